/* A provider that costs nothing: one epoll loop that answers every dialect from replies built at start.
 *
 * It exists so that a benchmark measures the gateway in front of it. It reads a whole request (Content-Length or
 * chunked), looks for `"stream":true` in the body and for "ticked" in the model's name, and answers:
 *   - no stream:      one JSON reply with full usage;
 *   - bulk stream:    all server-sent events in one write (the best case for a gateway);
 *   - ticked stream:  one event every 5 ms (what a real model looks like).
 *
 * Paths: those that end in /chat/completions, /messages, /responses; GET anything is 200 (health probes).
 * Usage: mock_upstream PORT. It listens on 127.0.0.1 only and prints "ready" when it does.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define TICK_NS 5000000LL
#define WORDS 20
#define MAX_EVENTS (WORDS + 8)
#define MAX_FD 65536
#define MAX_REQUEST (32u << 20)

enum dialect { CHAT, MESSAGES, RESPONSES, DIALECTS };

/* A stream is its head, then its events, each already wrapped as one HTTP chunk; `whole` is all of it in a row. */
struct stream {
    char *whole;
    size_t whole_length;
    size_t start[MAX_EVENTS + 2]; /* start[0] is the head; start[i] .. start[i + 1] is part i */
    int parts;
};

struct connection {
    int fd;
    char *in;
    size_t in_length, in_room;
    const char *out; /* static reply being written */
    size_t out_length;
    const struct stream *ticking; /* the stream being ticked, or NULL */
    int next_part;
    long long due_ns;
    struct connection *later, *earlier; /* the queue of ticking connections, soonest first */
    int wants_write;
};

static struct stream streams[DIALECTS];
static char *replies[DIALECTS];
static size_t reply_lengths[DIALECTS];
static const char *no_such_path =
    "HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\nContent-Length: 34\r\n\r\n"
    "{\"error\":{\"message\":\"no such path\"}}";
static const char *healthy =
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 27\r\n\r\n"
    "{\"object\":\"list\",\"data\":[]}";
static struct connection *connections[MAX_FD];
static struct connection *soonest, *latest;
static int poll_fd;

/* ---- replies, built once ---- */

static const char *words[WORDS] = {
    "The", " scale", " weighs", " each", " token", " once", ",", " and", " what", " it",
    " says", " is", " written", " down", " before", " the", " answer", " has", " left", "."};

static void text_of_answer(char *into, size_t room) {
    into[0] = 0;
    for (int i = 0; i < WORDS; i++) strncat(into, words[i], room - strlen(into) - 1);
}

static void build_reply(enum dialect dialect, const char *body) {
    char *reply = NULL;
    int length = asprintf(&reply,
                          "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nx-request-id: req_bench\r\n"
                          "request-id: req_bench\r\nContent-Length: %zu\r\n\r\n%s",
                          strlen(body), body);
    replies[dialect] = reply;
    reply_lengths[dialect] = (size_t)length;
}

static void append(struct stream *stream, const char *bytes, size_t length) {
    stream->whole = realloc(stream->whole, stream->whole_length + length);
    memcpy(stream->whole + stream->whole_length, bytes, length);
    stream->whole_length += length;
}

static void stream_head(struct stream *stream) {
    const char *head =
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nCache-Control: no-cache\r\n"
        "x-request-id: req_bench\r\nrequest-id: req_bench\r\nTransfer-Encoding: chunked\r\n\r\n";
    append(stream, head, strlen(head));
    stream->start[1] = stream->whole_length;
    stream->parts = 1;
}

static void stream_event(struct stream *stream, const char *format, ...) {
    char event[2048], size[16];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(event, sizeof event, format, arguments);
    va_end(arguments);
    append(stream, size, (size_t)sprintf(size, "%x\r\n", length));
    append(stream, event, (size_t)length);
    append(stream, "\r\n", 2);
    stream->start[++stream->parts] = stream->whole_length;
}

/* The last event and the end of the body leave together. */
static void stream_end(struct stream *stream) {
    append(stream, "0\r\n\r\n", 5);
    stream->start[stream->parts] = stream->whole_length;
}

static void build_chat(const char *text) {
    char body[2048];
    const char *usage = "\"usage\":{\"prompt_tokens\":180,\"completion_tokens\":20,\"total_tokens\":200,"
                        "\"prompt_tokens_details\":{\"cached_tokens\":0},"
                        "\"completion_tokens_details\":{\"reasoning_tokens\":0}}";
    snprintf(body, sizeof body,
             "{\"id\":\"chatcmpl-bench\",\"object\":\"chat.completion\",\"created\":1760000000,"
             "\"model\":\"gpt-bench\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\","
             "\"content\":\"%s\",\"refusal\":null,\"annotations\":[]},\"logprobs\":null,"
             "\"finish_reason\":\"stop\"}],%s}",
             text, usage);
    build_reply(CHAT, body);
    struct stream *stream = &streams[CHAT];
    const char *chunk = "data: {\"id\":\"chatcmpl-bench\",\"object\":\"chat.completion.chunk\",\"created\":1760000000,"
                        "\"model\":\"gpt-bench\",";
    stream_head(stream);
    stream_event(stream,
                 "%s\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},"
                 "\"finish_reason\":null}]}\n\n",
                 chunk);
    for (int i = 0; i < WORDS; i++)
        stream_event(stream,
                     "%s\"choices\":[{\"index\":0,\"delta\":{\"content\":\"%s\"},\"finish_reason\":null}]}\n\n",
                     chunk, words[i]);
    stream_event(stream, "%s\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n", chunk);
    stream_event(stream, "%s\"choices\":[],%s}\n\n", chunk, usage);
    stream_event(stream, "data: [DONE]\n\n");
    stream_end(stream);
}

static void build_messages(const char *text) {
    char body[2048];
    const char *usage = "\"usage\":{\"input_tokens\":180,\"cache_creation_input_tokens\":0,"
                        "\"cache_read_input_tokens\":0,\"output_tokens\":%d,\"service_tier\":\"standard\"}";
    char at_start[512], at_end[512];
    snprintf(at_start, sizeof at_start, usage, 1);
    snprintf(at_end, sizeof at_end, usage, 20);
    snprintf(body, sizeof body,
             "{\"id\":\"msg_bench\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"claude-bench\","
             "\"content\":[{\"type\":\"text\",\"text\":\"%s\"}],\"stop_reason\":\"end_turn\","
             "\"stop_sequence\":null,%s}",
             text, at_end);
    build_reply(MESSAGES, body);
    struct stream *stream = &streams[MESSAGES];
    stream_head(stream);
    stream_event(stream,
                 "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_bench\","
                 "\"type\":\"message\",\"role\":\"assistant\",\"model\":\"claude-bench\",\"content\":[],"
                 "\"stop_reason\":null,\"stop_sequence\":null,%s}}\n\n",
                 at_start);
    stream_event(stream, "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,"
                         "\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n");
    for (int i = 0; i < WORDS; i++)
        stream_event(stream,
                     "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,"
                     "\"delta\":{\"type\":\"text_delta\",\"text\":\"%s\"}}\n\n",
                     words[i]);
    stream_event(stream,
                 "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n");
    stream_event(stream,
                 "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\","
                 "\"stop_sequence\":null},\"usage\":{\"input_tokens\":180,\"cache_creation_input_tokens\":0,"
                 "\"cache_read_input_tokens\":0,\"output_tokens\":20}}\n\n");
    stream_event(stream, "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n");
    stream_end(stream);
}

static void build_responses(const char *text) {
    char body[4096];
    const char *format =
        "{\"id\":\"resp_bench\",\"object\":\"response\",\"created_at\":1760000000,\"status\":\"%s\","
        "\"error\":null,\"incomplete_details\":null,\"model\":\"gpt-bench\",\"output\":[%s],"
        "\"parallel_tool_calls\":true,\"tool_choice\":\"auto\",\"tools\":[],\"usage\":%s}";
    char item[1024];
    snprintf(item, sizeof item,
             "{\"type\":\"message\",\"id\":\"msg_bench\",\"status\":\"completed\",\"role\":\"assistant\","
             "\"content\":[{\"type\":\"output_text\",\"text\":\"%s\",\"annotations\":[]}]}",
             text);
    const char *usage = "{\"input_tokens\":180,\"input_tokens_details\":{\"cached_tokens\":0},\"output_tokens\":20,"
                        "\"output_tokens_details\":{\"reasoning_tokens\":0},\"total_tokens\":200}";
    snprintf(body, sizeof body, format, "completed", item, usage);
    build_reply(RESPONSES, body);
    struct stream *stream = &streams[RESPONSES];
    char begun[1024];
    int sequence = 0;
    snprintf(begun, sizeof begun, format, "in_progress", "", "null");
    stream_head(stream);
    stream_event(stream, "event: response.created\ndata: {\"type\":\"response.created\",\"sequence_number\":%d,"
                         "\"response\":%s}\n\n", sequence++, begun);
    stream_event(stream, "event: response.output_item.added\ndata: {\"type\":\"response.output_item.added\","
                         "\"sequence_number\":%d,\"output_index\":0,\"item\":{\"type\":\"message\","
                         "\"id\":\"msg_bench\",\"status\":\"in_progress\",\"role\":\"assistant\",\"content\":[]}}\n\n",
                 sequence++);
    stream_event(stream, "event: response.content_part.added\ndata: {\"type\":\"response.content_part.added\","
                         "\"sequence_number\":%d,\"item_id\":\"msg_bench\",\"output_index\":0,\"content_index\":0,"
                         "\"part\":{\"type\":\"output_text\",\"text\":\"\",\"annotations\":[]}}\n\n", sequence++);
    for (int i = 0; i < WORDS; i++)
        stream_event(stream, "event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\","
                             "\"sequence_number\":%d,\"item_id\":\"msg_bench\",\"output_index\":0,"
                             "\"content_index\":0,\"delta\":\"%s\"}\n\n", sequence++, words[i]);
    stream_event(stream, "event: response.output_item.done\ndata: {\"type\":\"response.output_item.done\","
                         "\"sequence_number\":%d,\"output_index\":0,\"item\":%s}\n\n", sequence++, item);
    stream_event(stream, "event: response.completed\ndata: {\"type\":\"response.completed\",\"sequence_number\":%d,"
                         "\"response\":%s}\n\n", sequence++, body);
    stream_end(stream);
}

/* ---- the queue of ticking connections: one interval for all, so first in is first due ---- */

static long long now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static void enqueue(struct connection *connection) {
    connection->earlier = latest;
    connection->later = NULL;
    if (latest) latest->later = connection;
    else soonest = connection;
    latest = connection;
}

static void dequeue(struct connection *connection) {
    if (connection->earlier) connection->earlier->later = connection->later;
    else soonest = connection->later;
    if (connection->later) connection->later->earlier = connection->earlier;
    else latest = connection->earlier;
    connection->earlier = connection->later = NULL;
}

/* ---- connections ---- */

static void hang_up(struct connection *connection) {
    if (connection->ticking) dequeue(connection);
    connections[connection->fd] = NULL;
    close(connection->fd);
    free(connection->in);
    free(connection);
}

static int flush_out(struct connection *connection) {
    while (connection->out_length) {
        ssize_t sent = send(connection->fd, connection->out, connection->out_length, MSG_NOSIGNAL);
        if (sent < 0) {
            if (errno == EINTR) continue;
            if (errno != EAGAIN) return -1;
            break;
        }
        connection->out += sent;
        connection->out_length -= (size_t)sent;
    }
    int wants_write = connection->out_length > 0;
    if (wants_write != connection->wants_write) {
        struct epoll_event event = {.events = EPOLLIN | (wants_write ? EPOLLOUT : 0u), .data.fd = connection->fd};
        epoll_ctl(poll_fd, EPOLL_CTL_MOD, connection->fd, &event);
        connection->wants_write = wants_write;
    }
    return 0;
}

static int answer(struct connection *connection, const char *bytes, size_t length) {
    connection->out = bytes;
    connection->out_length = length;
    return flush_out(connection);
}

static int send_part(struct connection *connection) {
    const struct stream *stream = connection->ticking;
    int part = connection->next_part++;
    /* A slow reader may not have taken the last part: then both leave together, the reply being one run of bytes. */
    size_t from = connection->out_length ? (size_t)(connection->out - stream->whole) : stream->start[part];
    if (connection->next_part == stream->parts) {
        dequeue(connection);
        connection->ticking = NULL;
    }
    return answer(connection, stream->whole + from, stream->start[part + 1] - from);
}

/* ---- requests ---- */

static int wants_stream(const char *body, size_t length) {
    return memmem(body, length, "\"stream\":true", 13) || memmem(body, length, "\"stream\": true", 14);
}

static int is_ticked(const char *body, size_t length) {
    const char *model = memmem(body, length, "\"model\"", 7);
    if (!model) return 0;
    size_t rest = (size_t)(body + length - model);
    return memmem(model, rest < 96 ? rest : 96, "ticked", 6) != NULL;
}

static int path_ends(const char *path, size_t length, const char *end) {
    size_t wanted = strlen(end);
    return length >= wanted && !memcmp(path + length - wanted, end, wanted);
}

static int respond(struct connection *connection, const char *head, const char *body, size_t body_length) {
    const char *path = memchr(head, ' ', 16);
    if (!path) return -1;
    path++;
    size_t path_length = strcspn(path, " ?\r");
    if (!memcmp(head, "GET ", 4) || !memcmp(head, "HEAD", 4)) return answer(connection, healthy, strlen(healthy));
    enum dialect dialect;
    if (path_ends(path, path_length, "/chat/completions")) dialect = CHAT;
    else if (path_ends(path, path_length, "/messages")) dialect = MESSAGES;
    else if (path_ends(path, path_length, "/responses")) dialect = RESPONSES;
    else return answer(connection, no_such_path, strlen(no_such_path));
    if (!wants_stream(body, body_length)) return answer(connection, replies[dialect], reply_lengths[dialect]);
    const struct stream *stream = &streams[dialect];
    if (!is_ticked(body, body_length)) return answer(connection, stream->whole, stream->whole_length);
    connection->ticking = stream;
    connection->next_part = 1;
    connection->due_ns = now_ns() + TICK_NS;
    enqueue(connection);
    return answer(connection, stream->whole, stream->start[1]);
}

/* Where a chunked body ends: the offset after it, 0 if it is not all here, -1 if it is not chunks. */
static long end_of_chunks(const char *bytes, size_t length) {
    size_t at = 0;
    for (;;) {
        const char *line_end = memmem(bytes + at, length - at, "\r\n", 2);
        if (!line_end) return 0;
        char *stop;
        unsigned long size = strtoul(bytes + at, &stop, 16);
        if (stop == bytes + at || size > MAX_REQUEST) return -1;
        at = (size_t)(line_end - bytes) + 2 + size + 2;
        if (at > length) return 0;
        if (!size) return (long)at;
    }
}

/* Answers the request at the front of the buffer. 1: there may be another; 0: wait for more bytes; -1: hang up. */
static int take_request(struct connection *connection) {
    char *end = memmem(connection->in, connection->in_length, "\r\n\r\n", 4);
    if (!end) return connection->in_length > 65536 ? -1 : 0;
    size_t head_length = (size_t)(end - connection->in) + 4, body_length = 0;
    char saved = *end;
    *end = 0; /* the head becomes a string while we look at it */
    char *field = strcasestr(connection->in, "\r\ncontent-length:");
    if (field) body_length = strtoul(field + 17, NULL, 10);
    int chunked = !field && strcasestr(connection->in, "\r\ntransfer-encoding: chunked") != NULL;
    int expects = strcasestr(connection->in, "\r\nexpect: 100-continue") != NULL;
    *end = saved;
    if (body_length > MAX_REQUEST) return -1;
    if (chunked) {
        long chunks = end_of_chunks(connection->in + head_length, connection->in_length - head_length);
        if (chunks < 0 || connection->in_length > MAX_REQUEST) return -1;
        if (!chunks) return 0;
        body_length = (size_t)chunks;
    }
    if (connection->in_length < head_length + body_length) {
        if (expects && connection->in_length == head_length) {
            const char *go_on = "HTTP/1.1 100 Continue\r\n\r\n";
            if (send(connection->fd, go_on, strlen(go_on), MSG_NOSIGNAL) < 0) return -1;
        }
        return 0;
    }
    if (respond(connection, connection->in, connection->in + head_length, body_length) < 0) return -1;
    size_t used = head_length + body_length;
    memmove(connection->in, connection->in + used, connection->in_length - used);
    connection->in_length -= used;
    return connection->in_length > 0;
}

static void on_readable(struct connection *connection) {
    for (;;) {
        if (connection->in_room - connection->in_length < 16384) {
            connection->in_room = connection->in_room ? connection->in_room * 2 : 32768;
            connection->in = realloc(connection->in, connection->in_room + 1);
        }
        size_t room = connection->in_room - connection->in_length;
        ssize_t got = recv(connection->fd, connection->in + connection->in_length, room, 0);
        if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) return hang_up(connection);
        if (got < 0) break;
        connection->in_length += (size_t)got;
        connection->in[connection->in_length] = 0;
        if ((size_t)got < room) break;
    }
    /* A reply still under way keeps the next request waiting: nobody here pipelines. */
    int more = 1;
    while (more > 0 && connection->in_length && !connection->out_length && !connection->ticking)
        more = take_request(connection);
    if (more < 0) hang_up(connection);
}

static void on_connect(int listener) {
    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) return;
        if (fd >= MAX_FD) {
            close(fd);
            continue;
        }
        int on = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        struct connection *connection = calloc(1, sizeof *connection);
        connection->fd = fd;
        connections[fd] = connection;
        struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
        epoll_ctl(poll_fd, EPOLL_CTL_ADD, fd, &event);
    }
}

/* Sends what is due and says for how many ms to sleep until the next (-1: for ever). */
static int tick(void) {
    while (soonest) {
        long long now = now_ns();
        if (soonest->due_ns > now) return (int)((soonest->due_ns - now + 999999) / 1000000);
        struct connection *connection = soonest;
        dequeue(connection);
        connection->due_ns += TICK_NS;
        if (connection->due_ns < now) connection->due_ns = now + TICK_NS;
        enqueue(connection);
        if (send_part(connection) < 0) hang_up(connection);
    }
    return -1;
}

int main(int argc, char **argv) {
    if (argc != 2) return fprintf(stderr, "usage: mock_upstream PORT\n"), 2;
    signal(SIGPIPE, SIG_IGN);
    char text[1024];
    text_of_answer(text, sizeof text);
    build_chat(text);
    build_messages(text);
    build_responses(text);

    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(argv[1]))};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 1024))
        return perror("mock_upstream: cannot listen"), 1;
    poll_fd = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = listener};
    epoll_ctl(poll_fd, EPOLL_CTL_ADD, listener, &event);
    puts("ready");
    fflush(stdout);

    struct epoll_event events[256];
    for (;;) {
        int count = epoll_wait(poll_fd, events, 256, tick());
        for (int i = 0; i < count; i++) {
            int fd = events[i].data.fd;
            if (fd == listener) on_connect(listener);
            else if (connections[fd]) {
                struct connection *connection = connections[fd];
                if ((events[i].events & EPOLLOUT) && flush_out(connection) < 0) hang_up(connection);
                else if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) on_readable(connection);
            }
        }
    }
}
