// SPDX-License-Identifier: GPL-2.0-or-later

// Command etcd is etcd, as it is: the tests' API server keeps its state in it.
package main

import (
	"os"

	"go.etcd.io/etcd/server/v3/etcdmain"
)

func main() {
	etcdmain.Main(os.Args)
}
