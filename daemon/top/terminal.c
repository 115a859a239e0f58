/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "top/terminal.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define DEFAULT_COLUMNS 80
#define DEFAULT_LINES 24

#define OTHER_SCREEN "\x1b[?1049h"
#define FIRST_SCREEN "\x1b[?1049l"
#define HIDE_CURSOR "\x1b[?25l"
#define SHOW_CURSOR "\x1b[?25h"
#define GO_HOME "\x1b[H"
#define CLEAR_BELOW "\x1b[J"

bool terminal_is_there(void)
{
	const char *term = getenv("TERM");

	return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) &&
	       !(term && strcmp(term, "dumb") == 0);
}

/* ---- begin and end ------------------------------------------------------- */

static sigset_t signals_of_interest(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGWINCH);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	return set;
}

/* Keys come one by one, and are not shown; ^C is a signal still. Who stopped it
   with ^Z would be left with the other screen. */
static int set_mode(const struct termios *before)
{
	struct termios mode = *before;

	mode.c_lflag &= ~(tcflag_t)(ICANON | ECHO | IEXTEN);
	mode.c_iflag &= ~(tcflag_t)(IXON | ICRNL);
	mode.c_cc[VMIN] = 1;
	mode.c_cc[VTIME] = 0;
	mode.c_cc[VSUSP] = _POSIX_VDISABLE;
	return tcsetattr(STDIN_FILENO, TCSAFLUSH, &mode) < 0 ? -errno : 0;
}

static int write_all(const char *text, size_t len)
{
	while (len > 0) {
		ssize_t n = write(STDOUT_FILENO, text, len);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n < 0)
			continue;
		text += n;
		len -= (size_t)n;
	}
	return 0;
}

static int say(const char *text)
{
	return write_all(text, strlen(text));
}

int terminal_open(struct terminal *terminal, struct err *err)
{
	const sigset_t set = signals_of_interest();
	int r;

	*terminal = (struct terminal){ .signals = -1 };
	if (tcgetattr(STDIN_FILENO, &terminal->before) < 0)
		return err_set(err, -errno, "cannot read from the terminal: %s",
			       strerror(errno));
	terminal->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (terminal->signals < 0)
		return err_set(err, -errno, "cannot wait for signals: %s",
			       strerror(errno));
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	terminal->is_open = true;
	r = set_mode(&terminal->before);
	if (r == 0)
		r = say(OTHER_SCREEN HIDE_CURSOR);
	if (r == 0)
		return 0;
	terminal_close(terminal);
	return err_set(err, r, "cannot use the terminal: %s", strerror(-r));
}

void terminal_close(struct terminal *terminal)
{
	const sigset_t set = signals_of_interest();

	if (!terminal->is_open)
		return;
	say(SHOW_CURSOR FIRST_SCREEN);
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &terminal->before);
	close(terminal->signals);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	*terminal = (struct terminal){ .signals = -1 };
}

/* ---- in between ---------------------------------------------------------- */

struct terminal_size terminal_size(void)
{
	struct winsize size = { .ws_col = 0 };

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_col == 0 ||
	    size.ws_row == 0)
		return (struct terminal_size){ DEFAULT_COLUMNS, DEFAULT_LINES };
	return (struct terminal_size){ size.ws_col, size.ws_row };
}

static enum terminal_event take_signal(const struct terminal *terminal)
{
	struct signalfd_siginfo info;

	if (read(terminal->signals, &info, sizeof(info)) != sizeof(info))
		return TERMINAL_QUIET;
	return info.ssi_signo == (uint32_t)SIGWINCH ? TERMINAL_RESIZED
						    : TERMINAL_ENDS;
}

enum terminal_event terminal_wait(const struct terminal *terminal,
				  int timeout_ms)
{
	struct pollfd fds[] = {
		{ .fd = terminal->signals, .events = POLLIN },
		{ .fd = STDIN_FILENO, .events = POLLIN },
	};

	if (poll(fds, 2, timeout_ms) <= 0)
		return TERMINAL_QUIET;
	if (fds[0].revents)
		return take_signal(terminal);
	return fds[1].revents & POLLIN ? TERMINAL_KEYS : TERMINAL_ENDS;
}

size_t terminal_read(char *bytes, size_t n)
{
	ssize_t len = read(STDIN_FILENO, bytes, n);

	return len > 0 ? (size_t)len : 0;
}

/* All is cleared first, not each line when it is written: behind one that fills
   the width, the cursor stands on its last character. It is one write, so that
   an empty page is hardly ever seen. The last line has no end, or the page
   would move up. */
int terminal_show(const char *page)
{
	size_t len = strlen(page);
	char *text;
	int n, r;

	if (len > 0 && page[len - 1] == '\n')
		len--;
	n = asprintf(&text, GO_HOME CLEAR_BELOW "%.*s", (int)len, page);
	if (n < 0)
		return -ENOMEM;
	r = write_all(text, (size_t)n);
	free(text);
	return r;
}
