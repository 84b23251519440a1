/* SPDX-License-Identifier: MIT */
/*
 * Files and folders: POSIX's calls with go_ in front, which park instead of
 * block.
 *
 * A disk cannot be waited for like a socket.  So these calls are made by a
 * thread of the runtime's blocking pool (blocking.h), while the calling task is
 * parked and its worker runs others.  That costs some microseconds more than
 * the system call alone; go_pread() and go_read() take what is in memory
 * already (the page cache) at once, without the pool.
 *
 *     static int sum_of(const char *path, uint32_t *sum)
 *     {
 *             char block[16384];
 *             off_t at = 0;
 *             ssize_t n;
 *             int fd = go_open(path, O_RDONLY);
 *
 *             if (fd < 0)
 *                     return fd;
 *             *sum = FNV_START;
 *             while ((n = go_pread(fd, block, sizeof block, at)) > 0) {
 *                     *sum = fnv1a(*sum, block, (size_t)n);
 *                     at += n;
 *             }
 *             go_close(fd);
 *             return (int)n;
 *     }
 *
 * (examples/hash_files.c is the whole program; examples/records.c writes, too,
 * and examples/deploy.c and examples/spool.c are about paths and folders.)
 * Everything in io.h works on files as well: go_read() and go_write() use and
 * move the file's position, and go_close() ends it.  go_read() may return fewer
 * bytes than asked for in the middle of a file; use go_read_full(), or
 * go_pread().
 *
 * Which calls are made in the pool is decided when a file is opened by
 * go_open(); a foreign descriptor (io.h) works, too, with some system calls
 * more, but where it was opened with O_DIRECT, go_read() keeps the worker
 * waiting for the disk.
 *
 * Cancellation and deadlines end a call that has not begun, because all
 * threads of the pool are busy, and then nothing has happened.  A call that has
 * begun is waited for, and ends with its own result.  So the time-out of a
 * scope does not bound a disk or a network file system that hangs.
 *
 * Errors of all functions, beside those of their namesakes in POSIX and those
 * in base.h, and not repeated below:
 *
 *   -EFAULT  a path is null, or a pointer invalid;
 *   -EBADF   a descriptor is not open, or go_close() was called on it;
 *   -ENOMEM, -EAGAIN  there is no memory for a job, or no thread to run it;
 *            nothing has happened.
 */
#ifndef GOFER_FILE_H
#define GOFER_FILE_H

#include <gofer/base.h>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>

GO_BEGIN_DECLS

/* ---- opening, and descriptors ---- */

/*
 * Open a file of any kind, close-on-exec.  With O_CREAT or O_TMPFILE a third
 * argument of type mode_t says who may use the new file.
 *
 * The descriptor is the library's own (io.h).  One of a FIFO, a terminal or
 * another device is in non-blocking mode afterwards, and is waited for like a
 * socket; but to open a FIFO waits for its other end, and this wait cannot be
 * ended once it has begun: it holds its task and a thread of the pool until
 * somebody opens the other end.  With O_NONBLOCK it does not wait.
 *
 * Returns  the descriptor; -ENOENT, -EACCES, -EEXIST, -EISDIR, -ELOOP, -EMFILE
 *          and others as open(2).
 * Context  task or plain thread.
 * Parks    until it is open.
 */
GO_API int go_open(const char *path, int flags, ...);

/*
 * Open a file whose path begins at a folder's descriptor, or with AT_FDCWD as
 * go_open().
 *
 * Returns  as go_open(); -ENOTDIR (dir is no folder).
 * Context  task or plain thread.
 * Parks    until it is open.
 */
GO_API int go_openat(int dir, const char *path, int flags, ...);

/*
 * Read up to n bytes at a place, whatever the file's position is.
 *
 * Returns  how many bytes, fewer than n only at the end of the file (and of
 *          devices and files of /proc), 0 behind it; -EINVAL (at is negative);
 *          -ESPIPE (not a file with places); -EISDIR, -EIO as pread(2).
 * Context  task or plain thread.
 * Parks    while the disk is read; not for what is in memory.
 */
GO_API ssize_t go_pread(int fd, void *buffer, size_t n, off_t at);

/*
 * Write n bytes at a place, whatever the file's position is.
 *
 * Returns  how many bytes, fewer than n if there was no room for more;
 *          -ENOSPC, -EDQUOT, -EFBIG, -EINVAL, -ESPIPE, -EIO as pwrite(2).
 * Context  task or plain thread.
 * Parks    until they are written (to memory: go_fsync()).
 */
GO_API ssize_t go_pwrite(int fd, const void *buffer, size_t n, off_t at);

/*
 * Read at a place into several buffers.
 *
 * Returns  as go_pread(); -EINVAL (count negative or above IOV_MAX).
 * Context  task or plain thread.
 * Parks    as go_pread().
 */
GO_API ssize_t go_preadv(int fd, const struct iovec *buffers, int count,
			 off_t at);

/*
 * Write at a place from several buffers.
 *
 * Returns  as go_pwrite(); -EINVAL (count negative or above IOV_MAX).
 * Context  task or plain thread.
 * Parks    as go_pwrite().
 */
GO_API ssize_t go_pwritev(int fd, const struct iovec *buffers, int count,
			  off_t at);

/*
 * Move the file's position.
 *
 * Returns  the new position; -EINVAL, -ESPIPE, -ENXIO, -EOVERFLOW as lseek(2).
 * Context  task or plain thread.
 * Parks    until it is done.
 */
GO_API off_t go_lseek(int fd, off_t at, int whence);

/*
 * Wait until all that was written to a file is on the disk.
 *
 * Returns  0; -EIO, -ENOSPC, -EDQUOT (some of it is lost); -EINVAL (no file).
 * Context  task or plain thread.
 * Parks    until then.
 */
GO_API int go_fsync(int fd);

/*
 * The same, without what is not needed to read the data again (its times).
 *
 * Returns  as go_fsync().
 * Context  task or plain thread.
 * Parks    until then.
 */
GO_API int go_fdatasync(int fd);

/*
 * Make a file n bytes long.
 *
 * Returns  0; -EINVAL, -EFBIG, -EPERM and others as ftruncate(2).
 * Context  task or plain thread.
 * Parks    until it is done.
 */
GO_API int go_ftruncate(int fd, off_t n);

/*
 * Reserve room on the disk, or with a mode give it back (fallocate(2)).
 *
 * Returns  0; -ENOSPC, -EOPNOTSUPP (not on this file system), -EINVAL, -EFBIG
 *          and others as fallocate(2).
 * Context  task or plain thread.
 * Parks    until it is done.
 */
GO_API int go_fallocate(int fd, int mode, off_t at, off_t n);

/*
 * Ask what is known of an open file.
 *
 * Returns  0; -EIO, -EOVERFLOW as fstat(2).
 * Context  task or plain thread.
 * Parks    until it is known.
 */
GO_API int go_fstat(int fd, struct stat *st);

/* ---- paths ---- */

/*
 * Ask what is known of a file, behind symbolic links.
 *
 * Returns  0; -ENOENT, -EACCES, -ENOTDIR, -ELOOP and others as stat(2).
 * Context  task or plain thread.
 * Parks    until it is known.
 */
GO_API int go_stat(const char *path, struct stat *st);

/*
 * Ask what is known of a file, or of a symbolic link itself.
 *
 * Returns  as go_stat().
 * Context  task or plain thread.
 * Parks    until it is known.
 */
GO_API int go_lstat(const char *path, struct stat *st);

/*
 * Ask what is known of a file, whose path begins at a folder's descriptor.
 *
 * Returns  as go_stat(); -EINVAL (flags), as fstatat(2).
 * Context  task or plain thread.
 * Parks    until it is known.
 */
GO_API int go_fstatat(int dir, const char *path, struct stat *st, int flags);

/*
 * Ask whether the process may use a file (R_OK, W_OK, X_OK), or whether there
 * is one (F_OK).
 *
 * Returns  0; -EACCES, -ENOENT, -EROFS, -EINVAL as access(2).
 * Context  task or plain thread.
 * Parks    until it is known.
 */
GO_API int go_access(const char *path, int mode);

/*
 * Find out what a path leads to, without links, "." and "..".
 *
 * Returns  0, and the path in `resolved`, which has room for PATH_MAX bytes;
 *          -ENOENT, -EACCES, -ENOTDIR, -ELOOP, -ENAMETOOLONG as realpath(3).
 * Context  task or plain thread.
 * Parks    until it is known.
 */
GO_API int go_realpath(const char *path, char *resolved);

/*
 * Give a file another name; a file that has it already is replaced, in one
 * step.
 *
 * Returns  0; -ENOENT, -EACCES, -EXDEV (another file system), -EISDIR,
 *          -ENOTDIR, -ENOTEMPTY and others as rename(2).
 * Context  task or plain thread.
 * Parks    until it is done.
 */
GO_API int go_rename(const char *from, const char *to);

/*
 * The same, with paths that begin at folders' descriptors.
 *
 * Returns  as go_rename().
 * Context  task or plain thread.
 * Parks    until it is done.
 */
GO_API int go_renameat(int from_dir, const char *from, int to_dir,
		       const char *to);

/*
 * Take a name away from a file, and the file too if it was the last one.
 *
 * Returns  0; -ENOENT, -EACCES, -EISDIR, -EBUSY and others as unlink(2).
 * Context  task or plain thread.
 * Parks    until it is done.
 */
GO_API int go_unlink(const char *path);

/*
 * The same, with a path that begins at a folder's descriptor; flags may be
 * AT_REMOVEDIR.
 *
 * Returns  as go_unlink(), or as go_rmdir().
 * Context  task or plain thread.
 * Parks    until it is done.
 */
GO_API int go_unlinkat(int dir, const char *path, int flags);

/*
 * Make a folder.
 *
 * Returns  0; -EEXIST, -ENOENT, -EACCES, -ENOSPC and others as mkdir(2).
 * Context  task or plain thread.
 * Parks    until it is done.
 */
GO_API int go_mkdir(const char *path, mode_t mode);

/*
 * The same, with a path that begins at a folder's descriptor.
 *
 * Returns  as go_mkdir().
 * Context  task or plain thread.
 * Parks    until it is done.
 */
GO_API int go_mkdirat(int dir, const char *path, mode_t mode);

/*
 * Remove an empty folder.
 *
 * Returns  0; -ENOTEMPTY, -ENOENT, -ENOTDIR, -EBUSY and others as rmdir(2).
 * Context  task or plain thread.
 * Parks    until it is done.
 */
GO_API int go_rmdir(const char *path);

/*
 * Give a file a second name.
 *
 * Returns  0; -EEXIST, -EXDEV, -EPERM and others as link(2).
 * Context  task or plain thread.
 * Parks    until it is done.
 */
GO_API int go_link(const char *from, const char *to);

/*
 * Make a symbolic link at `path` that says `to`.
 *
 * Returns  0; -EEXIST, -ENOENT, -EACCES and others as symlink(2).
 * Context  task or plain thread.
 * Parks    until it is done.
 */
GO_API int go_symlink(const char *to, const char *path);

/*
 * Read what a symbolic link says.  No zero byte is put behind it.
 *
 * Returns  how many bytes, n at most; -EINVAL (no link), -ENOENT, -EACCES and
 *          others as readlink(2).
 * Context  task or plain thread.
 * Parks    until it is read.
 */
GO_API ssize_t go_readlink(const char *path, char *buffer, size_t n);

/*
 * Change who may use a file.
 *
 * Returns  0; -EPERM, -ENOENT and others as chmod(2).
 * Context  task or plain thread.
 * Parks    until it is done.
 */
GO_API int go_chmod(const char *path, mode_t mode);

/*
 * Make a file n bytes long.
 *
 * Returns  0; -ENOENT, -EACCES, -EISDIR and others as truncate(2).
 * Context  task or plain thread.
 * Parks    until it is done.
 */
GO_API int go_truncate(const char *path, off_t n);

/* ---- folders ---- */

/*
 * A folder that is being read; for one caller at a time.
 *
 *     r = go_opendir(&dir, path);
 *     if (r < 0)
 *             return r;
 *     while ((r = go_readdir(dir, &entry)) > 0) {
 *             ...
 *     }
 *     go_closedir(dir);
 *
 * (examples/hash_files.c.)  Its entries are read in batches of 32 KiB, so only
 * every few hundredth call of go_readdir() goes to the disk.
 */
typedef struct go_dir go_dir;

/*
 * Open a folder, to read its entries.
 *
 * Returns  0; -ENOENT, -EACCES, -ENOTDIR and others as opendir(3).
 * Context  task or plain thread.
 * Parks    until it is open.
 */
GO_API int go_opendir(go_dir **dir, const char *path);

/*
 * Read the next entry: its name (d_name), inode (d_ino) and kind (d_type, which
 * is DT_UNKNOWN on some file systems: ask go_fstatat()).  The entries "." and
 * ".." are among them; the order is none.
 *
 * Returns  1 (*entry is the next one, valid until the next call with this
 *          folder); 0 (there are no more); -ENOENT (the folder was removed),
 *          -EIO as readdir(3).
 * Context  task or plain thread.
 * Parks    while a batch is read.
 */
GO_API int go_readdir(go_dir *dir, struct dirent **entry);

/*
 * Begin again with the folder's first entry.
 *
 * Returns  0; -errno as go_lseek().
 * Context  task or plain thread.
 * Parks    until it is done.
 */
GO_API int go_rewinddir(go_dir *dir);

/*
 * Ask for the folder's descriptor, for go_openat() and its like.  It is closed
 * by go_closedir().
 *
 * Returns  the descriptor.
 * Context  any.
 * Parks    never.
 */
GO_API int go_dirfd(const go_dir *dir);

/*
 * Give up a folder that was opened.  Null is allowed.  Deaf.
 *
 * Returns  0; as go_close().
 * Context  task or plain thread.
 * Parks    never.
 */
GO_API int go_closedir(go_dir *dir);

/* ---- whole files ---- */

/*
 * Read a whole file into new memory, in one visit to the pool.  A zero byte
 * stands behind the data, which *n does not count, so that text is a string.
 * The caller frees it with free(3).
 *
 * Returns  0, and *data and *n (which may be null) are set; -EFBIG (it has more
 *          than `most` bytes; 0: no limit); -ENOENT, -EACCES, -EISDIR, -EIO
 *          as open(2) and read(2).
 * Context  task or plain thread.
 * Parks    until it is read.
 */
GO_API int go_read_file(const char *path, size_t most, void **data, size_t *n);

/*
 * Make n bytes the content of a file, whether or not there is one, in one
 * visit to the pool.  Readers, and the disk after a crash, have the old content
 * or the new one, never a part: it is written to a new file beside it, whose
 * name begins with the path, which is stored on the disk and then renamed.  So
 * the file is a new one, with `mode` less the umask as for open(2), and where
 * the path was a symbolic link, it is no longer.
 *
 * Returns  0; on any error the old file is as it was: -ENOENT (no such folder),
 *          -EACCES (the folder cannot be written), -EISDIR, -ENOSPC, -EIO,
 *          -ENAMETOOLONG and others as open(2), write(2) and rename(2).
 * Context  task or plain thread.
 * Parks    until it is stored.
 */
GO_API int go_write_file(const char *path, const void *data, size_t n,
			 mode_t mode);

GO_END_DECLS

#endif
