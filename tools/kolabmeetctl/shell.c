#include <editline/readline.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/kolabmeetctl/console.h"
#include "tools/kolabmeetctl/top.h"

#define PROMPT "kolabmeet> "
#define BLANKS " \t\r\n"
#define HISTORY_FILE ".kolabmeetctl_history"
#define HISTORY_LINES 500

/* libedit's completion functions take no context. */
static const struct console_options *completion_options;
static json_t *completion_candidates;
static size_t completion_next;

/* Cuts line into words. One word more than a command may have is kept, for the daemon to refuse. */
static size_t split(char *line, const char **words)
{
    size_t count = 0;
    char *rest = NULL;
    for (char *word = strtok_r(line, BLANKS, &rest); word && count < ASK_WORDS_MAX + 1;
         word = strtok_r(NULL, BLANKS, &rest))
        words[count++] = word;
    return count;
}

static json_t *fetch_candidates(const char *text, int start)
{
    const char *words[ASK_WORDS_MAX + 3] = {"complete"};
    char why[ASK_WHY_BYTES];
    json_t *candidates = NULL;
    char *before = strndup(rl_line_buffer, (size_t)start);
    if (!before)
        return NULL;
    size_t count = 1 + split(before, words + 1);
    words[count++] = text;
    (void)ask(completion_options->runtime_dir, words, count, &candidates, why, sizeof(why));
    free(before);
    return candidates;
}

static char *next_candidate(const char *text, int state)
{
    (void)text;
    if (state == 0)
        completion_next = 0;
    const char *candidate = json_string_value(json_array_get(completion_candidates, completion_next++));
    return candidate ? strdup(candidate) : NULL;
}

static char **complete(const char *text, int start, int end)
{
    (void)end;
    rl_attempted_completion_over = 1; /* never names of files */
    completion_candidates = fetch_candidates(text, start);
    char **matches = rl_completion_matches(text, next_candidate);
    json_decref(completion_candidates);
    completion_candidates = NULL;
    return matches;
}

/* False when the line says that it was the last. */
static bool run_line(const struct console_options *options, char *line, enum ask_status *status)
{
    const char *words[ASK_WORDS_MAX + 1];
    size_t count = split(line, words);
    if (count == 0)
        return true;
    if (strcmp(words[0], "quit") == 0 || strcmp(words[0], "exit") == 0)
        return false;
    enum ask_status answered = console_run(options, words, count);
    if (answered != ASK_OK)
        *status = answered;
    return true;
}

static char *history_path(void)
{
    const char *home = getenv("HOME");
    char *path;
    return home && *home && asprintf(&path, "%s/" HISTORY_FILE, home) >= 0 ? path : NULL;
}

static bool is_top(const char *line)
{
    size_t start = strspn(line, BLANKS);
    return strncmp(line + start, "top", 3) == 0 && line[start + 3 + strspn(line + start + 3, BLANKS)] == '\0';
}

/* It takes the screen for itself until q is pressed; whatever came of it, the prompt comes back. */
static bool run_top(const struct console_options *options)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/" STATISTICS_FILE, options->runtime_dir);
    (void)top_run(path, false);
    return true;
}

static void talk(const struct console_options *options)
{
    static char word_breaks[] = " \t";
    enum ask_status ignored;
    char *history = history_path();
    umask(077);
    completion_options = options;
    rl_readline_name = "kolabmeetctl";
    rl_attempted_completion_function = complete;
    rl_completer_word_break_characters = word_breaks;
    using_history();
    stifle_history(HISTORY_LINES);
    if (history)
        (void)read_history(history);
    bool goes_on = true;
    while (goes_on) {
        char *line = readline(PROMPT);
        if (!line) {
            fputc('\n', stdout);
            break;
        }
        if (line[strspn(line, BLANKS)])
            add_history(line);
        goes_on = is_top(line) ? run_top(options) : run_line(options, line, &ignored);
        free(line);
    }
    if (history)
        (void)write_history(history);
    free(history);
}

enum ask_status console_shell(const struct console_options *options)
{
    enum ask_status status = ASK_OK;
    char *line = NULL;
    size_t room = 0;
    if (isatty(STDIN_FILENO)) {
        talk(options);
        return ASK_OK;
    }
    while (getline(&line, &room, stdin) >= 0 && run_line(options, line, &status))
        ;
    free(line);
    return status;
}
