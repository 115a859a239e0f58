/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "page/page.h"

/*
 * The parts of the page are files of their own, that an editor and a browser
 * understand. The assembler takes them in as they are, from the folder that
 * make runs in; a zero byte ends each.
 */
#define FILE_AS(name, path)                                                    \
	__asm__(".section .rodata\n"                                           \
		".global " #name "\n" #name ":\n"                              \
		".incbin \"" path "\"\n"                                       \
		".byte 0\n"                                                    \
		".previous\n")

FILE_AS(page_live_css, "daemon/page/live.css");
FILE_AS(page_live_html, "daemon/page/live.html");
FILE_AS(page_live_js, "daemon/page/live.js");
FILE_AS(page_matrix_css, "daemon/page/matrix.css");
FILE_AS(page_matrix_html, "daemon/page/matrix.html");
FILE_AS(page_matrix_js, "daemon/page/matrix.js");
extern const char page_live_css[], page_live_html[], page_live_js[];
extern const char page_matrix_css[], page_matrix_html[], page_matrix_js[];

/* The browser is told to ask nobody, too: should a name ever become markup
   after all, it can load nothing and send nothing. */
static const char head[] =
	"<!DOCTYPE html>\n"
	"<html lang=\"en\">\n"
	"<head>\n"
	"<meta charset=\"utf-8\">\n"
	"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src "
	"'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
	"base-uri 'none'; form-action 'none'\">\n"
	"<meta name=\"viewport\" content=\"width=device-width\">\n"
	"<meta name=\"color-scheme\" content=\"light dark\">\n"
	"<title>netpold: who may reach whom</title>\n"
	"<link rel=\"icon\" href=\"data:,\">\n"
	"<style>\n";

void page_begin(FILE *out)
{
	fputs(head, out);
	fputs(page_matrix_css, out);
	fputs("</style>\n</head>\n<body>\n", out);
	fputs(page_matrix_html, out);
	fputs("<script type=\"application/json\" id=\"data\">\n", out);
}

/* These stand in strings only; a number means the same there. */
void page_write_data(FILE *out, const char *json, size_t len)
{
	size_t plain = 0;

	for (size_t i = 0; i < len; i++) {
		if (json[i] != '<' && json[i] != '>' && json[i] != '&')
			continue;
		fwrite(json + plain, 1, i - plain, out);
		fprintf(out, "\\u%04x", (unsigned int)json[i]);
		plain = i + 1;
	}
	fwrite(json + plain, 1, len - plain, out);
}

void page_end(FILE *out)
{
	fputs("</script>\n<script>\n", out);
	fputs(page_matrix_js, out);
	fputs("</script>\n</body>\n</html>\n", out);
}

/* Its Content-Security-Policy is a header of the answer. */
static const char live_head[] =
	"<!DOCTYPE html>\n"
	"<html lang=\"en\">\n"
	"<head>\n"
	"<meta charset=\"utf-8\">\n"
	"<meta name=\"viewport\" content=\"width=device-width\">\n"
	"<meta name=\"color-scheme\" content=\"light dark\">\n"
	"<title>netpold</title>\n"
	"<link rel=\"icon\" href=\"data:,\">\n"
	"<style>";

const char *page_live_style(void)
{
	return page_live_css;
}

const char *page_live_script(void)
{
	return page_live_js;
}

void page_write_live(FILE *out)
{
	fputs(live_head, out);
	fputs(page_live_css, out);
	fputs("</style>\n</head>\n<body>\n", out);
	fputs(page_live_html, out);
	fputs("<script>", out);
	fputs(page_live_js, out);
	fputs("</script>\n</body>\n</html>\n", out);
}
