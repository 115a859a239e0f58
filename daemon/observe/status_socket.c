/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who dies leaves its file behind. Nobody listens there, so that connect(2) is
 * refused, and the file may be replaced. Two daemons that start at once must
 * not both come to that: the second would take away the file of the first,
 * which does not listen yet. So all this is done under a lock on the folder,
 * which leaves nothing behind. Whoever may read the folder can hold that lock,
 * too, so it is not waited for without end.
 */
#include "observe/status_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "netpold/cleanup.h"

/* How many may wait to be let in. */
#define BACKLOG 32

/* Another netpold is done with the lock in well under a millisecond. */
#define LOCK_TRIES 100
#define LOCK_PAUSE_NS 10000000 /* a second in all */

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static void free_text(char **text)
{
	free(*text);
}

static int set_address(const char *path, struct sockaddr_un *out,
		       struct err *err)
{
	*out = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof(out->sun_path))
		return err_set(err, -ENAMETOOLONG,
			       "the path of the status socket is too long: "
			       "'%s' has more than %zu bytes",
			       path, sizeof(out->sun_path) - 1);
	strcpy(out->sun_path, path);
	return 0;
}

/* ---- the folder --------------------------------------------------------- */

/* Of "status.sock": "."; of "/status.sock": "/". */
static char *folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return strdup(".");
	return strndup(path, slash == path ? 1 : (size_t)(slash - path));
}

/* Returns 0; -EWOULDBLOCK where somebody keeps the lock. */
static int lock(int fd)
{
	const struct timespec pause = { .tv_nsec = LOCK_PAUSE_NS };

	for (int i = 0; i < LOCK_TRIES; i++) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return 0;
		if (errno != EWOULDBLOCK)
			return -errno;
		nanosleep(&pause, NULL);
	}
	return -EWOULDBLOCK;
}

/* Returns a descriptor that holds the lock. */
static int lock_folder(const char *path, struct err *err)
{
	CLEANUP(free_text) char *folder = folder_of(path);
	int fd, r;

	if (!folder)
		return err_set(err, -ENOMEM, "no memory for a path");
	if (mkdir(folder, 0755) < 0 && errno != EEXIST)
		return err_set(err, -errno,
			       "cannot make the folder '%s' for the status "
			       "socket: %s",
			       folder, strerror(errno));
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	r = fd < 0 ? -errno : lock(fd);
	if (r == 0)
		return fd;
	close_fd(&fd);
	if (r == -EWOULDBLOCK)
		return err_set(err, r,
			       "another program has held the lock (flock(2)) "
			       "of the folder '%s' for a second: end it, or "
			       "choose another path with --status-socket",
			       folder);
	return err_set(err, r,
		       "cannot use the folder '%s' for the status socket: %s",
		       folder, strerror(-r));
}

/* ---- what stands there -------------------------------------------------- */

/* Returns 0 where nobody listens. */
static int ask_who_listens(const struct sockaddr_un *address, struct err *err)
{
	CLEANUP(close_fd) int fd = -1;

	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_set(err, -errno, "cannot make a socket: %s",
			       strerror(errno));
	/* EAGAIN: somebody listens, and is busy. */
	if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) <
		    0 &&
	    errno != EAGAIN)
		return errno == ECONNREFUSED
			       ? 0
			       : err_set(err, -errno,
					 "cannot see who listens at '%s': %s",
					 address->sun_path, strerror(errno));
	return err_set(err, -EADDRINUSE,
		       "another netpold listens at '%s': stop it first, or "
		       "choose another path with --status-socket",
		       address->sun_path);
}

static int make_room(const struct sockaddr_un *address, struct err *err)
{
	const char *path = address->sun_path;
	struct stat st;
	int r;

	if (lstat(path, &st) < 0)
		return errno == ENOENT
			       ? 0
			       : err_set(err, -errno, "cannot look at '%s': %s",
					 path, strerror(errno));
	if (!S_ISSOCK(st.st_mode))
		return err_set(err, -EEXIST,
			       "'%s' is no socket: take it away, or choose "
			       "another path with --status-socket",
			       path);
	r = ask_who_listens(address, err);
	if (r < 0)
		return r;
	if (unlink(path) < 0)
		return err_set(err, -errno,
			       "cannot take away the status socket '%s' of a "
			       "netpold that is gone: %s",
			       path, strerror(errno));
	return 0;
}

/* ---- ours --------------------------------------------------------------- */

/* Nobody gets in before listen(2), and then the mode is as it has to be. */
static int make(const struct sockaddr_un *address, struct status_socket *out,
		struct err *err)
{
	CLEANUP(close_fd) int fd = -1;
	CLEANUP(free_text) char *path = strdup(address->sun_path);
	struct stat st;

	if (!path)
		return err_set(err, -ENOMEM, "no memory for a path");
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 ||
	    bind(fd, (const struct sockaddr *)address, sizeof(*address)) < 0)
		return err_set(err, -errno,
			       "cannot make the status socket '%s': %s", path,
			       strerror(errno));
	if (chmod(path, 0600) < 0 || listen(fd, BACKLOG) < 0 ||
	    lstat(path, &st) < 0) {
		err_set(err, -errno, "cannot use the status socket '%s': %s",
			path, strerror(errno));
		unlink(path);
		return err->code;
	}
	*out = (struct status_socket){
		.fd = fd, .path = path, .dev = st.st_dev, .ino = st.st_ino
	};
	fd = -1;
	path = NULL;
	return 0;
}

int status_socket_open(const char *path, struct status_socket *out,
		       struct err *err)
{
	CLEANUP(close_fd) int folder = -1;
	struct sockaddr_un address;
	int r;

	r = set_address(path, &address, err);
	if (r < 0)
		return r;
	folder = lock_folder(path, err);
	if (folder < 0)
		return folder;
	r = make_room(&address, err);
	if (r < 0)
		return r;
	return make(&address, out, err);
}

/* Where the file has been taken away meanwhile it is nobody's. */
int status_socket_adopt(const char *path, int fd, struct status_socket *out,
			struct err *err)
{
	char *copy = strdup(path);
	struct stat st = { 0 };

	if (!copy)
		return err_set(err, -ENOMEM, "no memory for a path");
	if (lstat(path, &st) < 0)
		st.st_ino = 0;
	*out = (struct status_socket){
		.fd = fd, .path = copy, .dev = st.st_dev, .ino = st.st_ino
	};
	return 0;
}

void status_socket_leave(struct status_socket *socket)
{
	if (socket->fd < 0)
		return;
	close(socket->fd);
	free(socket->path);
	*socket = (struct status_socket){ .fd = -1 };
}

/* First the file, then the socket: whoever finds the file finds us. */
void status_socket_close(struct status_socket *socket)
{
	struct stat st;

	if (socket->fd < 0)
		return;
	if (lstat(socket->path, &st) == 0 && st.st_dev == socket->dev &&
	    st.st_ino == socket->ino)
		unlink(socket->path);
	status_socket_leave(socket);
}
