/*
 * A mail server that takes everything and does next to nothing with it, so that a benchmark
 * measures the client: one thread, epoll, no copy of a message's content.
 *
 *   sink [--port N] [--delay MS] [--chunking] [--size BYTES] [--count-file FILE]
 *
 * It listens on 127.0.0.1 only (port 0, the default: a free one) and prints that port. --delay is
 * the time between the end of a message and its answer; other connections go on meanwhile.
 * --count-file gets {"connections", "messages", "bytes", "most_open"} whenever the last connection
 * has gone, and at the end (SIGTERM). Bytes are those of the contents, dots and BDAT lines aside.
 *
 * SMTP as in RFC 5321 with PIPELINING (2920), 8BITMIME, SIZE, ENHANCEDSTATUSCODES and, when asked
 * for, CHUNKING (3030). The order of commands is not judged.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { READ_SIZE = 1 << 18, LINE_MOST = 4096, EVENTS = 256, TAIL = 4 };
enum mode { COMMAND, CONTENT, CHUNK };

struct connection {
    int fd;
    enum mode mode;
    char tail[TAIL];          /* the last bytes of the content read so far */
    int tail_length;
    int last_chunk;           /* the BDAT under way said LAST */
    unsigned long long left;  /* bytes of the BDAT under way still to come */
    char *kept;               /* read, not parsed: half a line, or what waits behind an answer */
    size_t kept_length;
    char *out;                /* answers not written yet */
    size_t out_length, out_size;
    int waiting;              /* an answer is due later; nothing is read until then */
    int closing;
    long long due;
    struct connection *next;  /* the next whose answer is due, or the next to be freed */
};

static struct { unsigned long long connections, messages, bytes, open, most_open; } count;
static struct { const char *count_file; long long delay; int chunking; long size; } option;
static struct connection *first_due, *last_due, *dead;
static char buffer[READ_SIZE];
static int queue;

static long long milliseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static void write_count(void) {
    char path[4096];
    if (!option.count_file) return;
    snprintf(path, sizeof path, "%s.new", option.count_file);
    FILE *file = fopen(path, "w");
    if (!file) fail(path);
    fprintf(file, "{\"connections\": %llu, \"messages\": %llu, \"bytes\": %llu, \"most_open\": %llu}\n",
            count.connections, count.messages, count.bytes, count.most_open);
    if (fclose(file) || rename(path, option.count_file)) fail(option.count_file);
}

static void watch(struct connection *c) {
    struct epoll_event event = {.data.ptr = c};
    if (c->out_length) event.events = EPOLLOUT;
    else if (!c->waiting) event.events = EPOLLIN;
    epoll_ctl(queue, EPOLL_CTL_MOD, c->fd, &event);
}

static void drop(struct connection *c) {
    if (c->fd < 0) return;
    close(c->fd);
    c->fd = -1;
    count.open--;
    if (!count.open) write_count();
    if (!c->waiting) { /* else the queue of what is due still points here */
        c->next = dead;
        dead = c;
    }
}

static void bury(void) {
    while (dead) {
        struct connection *c = dead;
        dead = c->next;
        free(c->kept);
        free(c->out);
        free(c);
    }
}

static void say(struct connection *c, const char *text) {
    size_t length = strlen(text);
    if (c->out_length + length > c->out_size) {
        c->out_size = (c->out_length + length) * 2;
        if (!(c->out = realloc(c->out, c->out_size))) fail("memory");
    }
    memcpy(c->out + c->out_length, text, length);
    c->out_length += length;
}

/* Write what there is to say; 0 when some of it must wait. */
static int flush(struct connection *c) {
    if (c->out_length) {
        ssize_t n = send(c->fd, c->out, c->out_length, MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN) { drop(c); return 0; }
        if (n > 0) {
            c->out_length -= (size_t)n;
            memmove(c->out, c->out + n, c->out_length);
        }
    }
    if (!c->out_length && c->closing) { drop(c); return 0; }
    return !c->out_length;
}

static void end_message(struct connection *c) {
    c->mode = COMMAND;
    count.messages++;
    if (option.delay) {
        c->waiting = 1;
        c->due = milliseconds() + option.delay;
        c->next = NULL;
        /* All wait equally long, so the queue is in order by itself. */
        if (last_due) last_due->next = c; else first_due = c;
        last_due = c;
    } else {
        say(c, "250 2.0.0 Ok\r\n");
    }
}

static void remember_tail(struct connection *c, const char *data, size_t length) {
    if (length >= TAIL) {
        memcpy(c->tail, data + length - TAIL, TAIL);
        c->tail_length = TAIL;
        return;
    }
    int keep = c->tail_length;
    if (keep > TAIL - (int)length) keep = TAIL - (int)length;
    memmove(c->tail, c->tail + c->tail_length - keep, (size_t)keep);
    memcpy(c->tail + keep, data, length);
    c->tail_length = keep + (int)length;
}

/* Pass over content; returns how much of it was the message's, its end included. */
static size_t content(struct connection *c, const char *data, size_t length) {
    static const char end[] = "\r\n.\r\n";
    char joint[2 * TAIL];
    size_t head = length < TAIL ? length : TAIL;
    memcpy(joint, c->tail, (size_t)c->tail_length);
    memcpy(joint + c->tail_length, data, head);
    char *found = memmem(joint, (size_t)c->tail_length + head, end, 5);
    size_t used;
    if (found) {
        used = (size_t)(found - joint) + 5 - (size_t)c->tail_length;
    } else {
        /* A dot that begins a line is rare; memchr passes over the rest at memory speed. */
        const char *dot = data, *stop = data + length;
        used = 0;
        while ((dot = memchr(dot, '.', (size_t)(stop - dot)))) {
            if (dot - data >= 2 && stop - dot >= 3 && dot[1] == '\r' && dot[2] == '\n' &&
                dot[-1] == '\n' && dot[-2] == '\r') {
                used = (size_t)(dot - data) + 3;
                break;
            }
            dot++;
        }
    }
    if (used) {
        count.bytes += used;
        count.bytes -= 3;
        end_message(c);
        return used;
    }
    count.bytes += length;
    remember_tail(c, data, length);
    return length;
}

static int is(const char *line, size_t length, const char *word) {
    size_t n = strlen(word);
    return length >= n && !strncasecmp(line, word, n);
}

static void command(struct connection *c, const char *line, size_t length) {
    char text[512];
    if (is(line, length, "MAIL") || is(line, length, "RCPT")) {
        say(c, line[0] == 'M' || line[0] == 'm' ? "250 2.1.0 Ok\r\n" : "250 2.1.5 Ok\r\n");
    } else if (is(line, length, "DATA")) {
        say(c, "354 Go ahead\r\n");
        c->mode = CONTENT;
        memcpy(c->tail, "\r\n", 2);
        c->tail_length = 2;
    } else if (option.chunking && is(line, length, "BDAT ")) {
        char *rest;
        memcpy(text, line, length < sizeof text ? length : sizeof text - 1);
        text[length < sizeof text ? length : sizeof text - 1] = 0;
        c->left = strtoull(text + 5, &rest, 10);
        c->last_chunk = strcasestr(rest, "LAST") != NULL;
        c->mode = CHUNK;
    } else if (is(line, length, "EHLO")) {
        snprintf(text, sizeof text,
                 "250-sink.example.org\r\n250-PIPELINING\r\n250-SIZE %ld\r\n250-8BITMIME\r\n"
                 "%s250 ENHANCEDSTATUSCODES\r\n",
                 option.size, option.chunking ? "250-CHUNKING\r\n" : "");
        say(c, text);
    } else if (is(line, length, "QUIT")) {
        say(c, "221 2.0.0 Bye\r\n");
        c->closing = 1;
    } else if (is(line, length, "HELO") || is(line, length, "RSET") || is(line, length, "NOOP")) {
        say(c, "250 2.0.0 Ok\r\n");
    } else {
        say(c, "500 5.5.2 Not known here\r\n");
    }
}

/* Pass over as much as can be; returns the bytes done with. */
static size_t parse(struct connection *c, const char *data, size_t length) {
    size_t done = 0;
    while (!c->waiting && !c->closing) {
        const char *at = data + done;
        size_t rest = length - done;
        if (c->mode == CHUNK) {
            size_t part = rest < c->left ? rest : (size_t)c->left;
            c->left -= part;
            count.bytes += part;
            done += part;
            if (c->left) break;
            c->mode = COMMAND;
            if (c->last_chunk) end_message(c); else say(c, "250 2.0.0 Ok\r\n");
            continue;
        }
        if (!rest) break;
        if (c->mode == CONTENT) {
            done += content(c, at, rest);
            continue;
        }
        const char *newline = memchr(at, '\n', rest);
        if (!newline) {
            if (rest > LINE_MOST) { say(c, "500 5.5.2 Line too long\r\n"); c->closing = 1; }
            break;
        }
        command(c, at, (size_t)(newline - at));
        done += (size_t)(newline - at) + 1;
    }
    return done;
}

/* Parse what was kept, then `data`; keep what cannot be parsed yet. */
static void take(struct connection *c, const char *data, size_t length) {
    if (!c->kept_length) {
        size_t done = parse(c, data, length);
        if (done == length) return;
        data += done;
        length -= done;
    }
    if (!(c->kept = realloc(c->kept, c->kept_length + length + 1))) fail("memory");
    memcpy(c->kept + c->kept_length, data, length);
    c->kept_length += length;
    size_t done = parse(c, c->kept, c->kept_length);
    c->kept_length -= done;
    memmove(c->kept, c->kept + done, c->kept_length);
}

static void serve(struct connection *c, unsigned events) {
    if (c->fd < 0) return;
    if (c->out_length) {
        if (flush(c)) watch(c);
        return;
    }
    if (c->waiting) {
        if (events & (EPOLLHUP | EPOLLERR)) drop(c);
        return;
    }
    ssize_t n = recv(c->fd, buffer, sizeof buffer, 0);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) { drop(c); return; }
    if (n < 0) return;
    take(c, buffer, (size_t)n);
    if (!flush(c)) {
        if (c->fd >= 0) watch(c);
    } else if (c->waiting) {
        watch(c);
    }
}

/* Give the answers that are due; returns milliseconds until the next, or -1. */
static int answer(void) {
    while (first_due) {
        struct connection *c = first_due;
        long long wait = c->due - milliseconds();
        if (wait > 0) return (int)wait;
        first_due = c->next;
        if (!first_due) last_due = NULL;
        c->waiting = 0;
        if (c->fd < 0) { c->next = dead; dead = c; continue; }
        say(c, "250 2.0.0 Ok\r\n");
        take(c, "", 0);
        flush(c);
        if (c->fd >= 0) watch(c);
    }
    return -1;
}

static void welcome(int listener) {
    int fd, yes = 1;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        struct connection *c = calloc(1, sizeof *c);
        if (!c) fail("memory");
        c->fd = fd;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
        epoll_ctl(queue, EPOLL_CTL_ADD, fd, &event);
        count.connections++;
        if (++count.open > count.most_open) count.most_open = count.open;
        say(c, "220 sink.example.org ESMTP\r\n");
        if (!flush(c) && c->fd >= 0) watch(c);
    }
}

static int listen_on(int port) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), yes = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
    socklen_t size = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, size) || listen(fd, 1024)) fail("listen");
    getsockname(fd, (struct sockaddr *)&address, &size);
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    return fd;
}

int main(int argc, char **argv) {
    int port = 0;
    option.size = 100000000;
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;
        if (!strcmp(argv[i], "--chunking")) { option.chunking = 1; continue; }
        if (value && !strcmp(argv[i], "--port")) port = atoi(value);
        else if (value && !strcmp(argv[i], "--delay")) option.delay = atoll(value);
        else if (value && !strcmp(argv[i], "--size")) option.size = atol(value);
        else if (value && !strcmp(argv[i], "--count-file")) option.count_file = value;
        else {
            fprintf(stderr, "usage: sink [--port N] [--delay MS] [--chunking] [--size BYTES]"
                            " [--count-file FILE]\n");
            return 2;
        }
        i++;
    }
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    sigprocmask(SIG_BLOCK, &ends, NULL);
    int ended = signalfd(-1, &ends, SFD_CLOEXEC), listener = listen_on(port);
    queue = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = &listener};
    epoll_ctl(queue, EPOLL_CTL_ADD, listener, &event);
    event.data.ptr = &ended;
    epoll_ctl(queue, EPOLL_CTL_ADD, ended, &event);
    struct epoll_event events[EVENTS];
    for (;;) {
        int ready = epoll_wait(queue, events, EVENTS, answer());
        bury();
        for (int i = 0; i < ready; i++) {
            void *what = events[i].data.ptr;
            if (what == &ended) { write_count(); return 0; }
            if (what == &listener) welcome(listener);
            else serve(what, events[i].events);
        }
    }
}
