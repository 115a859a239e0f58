// SPDX-License-Identifier: GPL-2.0-or-later

// Command chart does what `helm template` does, with Helm's own code: it checks values
// against the chart's schema and fills in the templates.
//
//	chart FOLDER < values.yaml > manifests.yaml
package main

import (
	"fmt"
	"io"
	"os"
	"path"
	"sort"
	"strings"

	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
)

func render(folder string, text []byte) (map[string]string, error) {
	chart, err := loader.Load(folder)
	if err != nil {
		return nil, err
	}
	given, err := chartutil.ReadValues(text)
	if err != nil {
		return nil, err
	}
	release := chartutil.ReleaseOptions{Name: "netpold", Namespace: "kube-system", IsInstall: true}
	values, err := chartutil.ToRenderValues(chart, given, release, chartutil.DefaultCapabilities)
	if err != nil {
		return nil, err
	}
	return engine.Render(chart, values)
}

// Manifests only: no notes for people, no parts of templates.
func write(out io.Writer, files map[string]string) {
	var names []string
	for name := range files {
		if path.Ext(name) == ".yaml" {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	for _, name := range names {
		if strings.TrimSpace(files[name]) != "" {
			fmt.Fprintf(out, "---\n%s\n", files[name])
		}
	}
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: chart FOLDER < values.yaml > manifests.yaml")
		os.Exit(2)
	}
	values, err := io.ReadAll(os.Stdin)
	if err == nil {
		var files map[string]string
		if files, err = render(os.Args[1], values); err == nil {
			write(os.Stdout, files)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
