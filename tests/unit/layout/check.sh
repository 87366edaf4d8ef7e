#!/bin/sh
# usage: check.sh ROOT
#
# Enforces the table of folders (ARCHITECTURE.md): which folders there are, and which may include which; the size of
# files; and that codecs stay pure. Prints every offence, and fails if there is one.

cd "$1" || exit 2

folders='control dataplane ebpf proto shm tests tools'
offences=$(mktemp) || exit 2
trap 'rm -f "$offences"' EXIT

# ---- top level: these folders, what git ignores, and hidden ones

for entry in */; do
    name=${entry%/}
    case " $folders build run node_modules " in
    *" $name "*) ;;
    *) echo "$name/: no folder of this name at the top level" >>"$offences" ;;
    esac
done

# ---- C files: length, includes, calls

# shellcheck disable=SC2086 # a list
find $folders -name node_modules -prune -o \( -name '*.c' -o -name '*.h' \) -print 2>/dev/null | LC_ALL=C sort |
while read -r file; do
    awk -v file="$file" '
    function offence(what)
    {
        printf "%s:%d: %s\n", file, FNR, what
    }

    # Whether this file may include that one, by the table.
    function may_include(target)
    {
        if (folder == "tests" || target ~ "^" folder "/")
            return 1
        if (folder == "ebpf")
            return target == "shm/bpf_abi.h"
        if (folder == "dataplane")
            return target ~ /^(shm|proto)\//
        if (folder == "control") {
            if (target ~ /^shm\//)
                return file ~ /^control\/(forwarder|metrics)[\/.]/
            if (target ~ /^ebpf\/[a-z_]*\.skel\.h$/) # made by bpftool: the way to load a program
                return file ~ /^control\/forwarder\//
            return target ~ /^proto\//
        }
        if (folder == "tools") {
            if (file ~ /^tools\/kolabmeet-load\// && target ~ /^(dataplane\/srtp|ebpf\/[a-z_]*\.skel\.h$)/)
                return 1
            return target ~ /^(shm|proto)\//
        }
        return 0
    }

    BEGIN {
        folder = file
        sub(/\/.*/, "", folder)
        impure = "(malloc|calloc|realloc|free|strdup|strndup|printf|fprintf|vprintf|vfprintf|puts|fputs|perror|syslog|fopen|open|read|write|send|sendto|sendmsg|recv|recvfrom|recvmsg)"
    }

    FNR == 601 { offence("over 600 lines") }

    /^[ \t]*#[ \t]*include[ \t]*"/ {
        target = $0
        sub(/^[^"]*"/, "", target)
        sub(/".*/, "", target)
        if (target !~ /^(control|dataplane|ebpf|proto|shm|tests|tools)\//) {
            if (folder != "tests" || target ~ /\//) # a test may name what lies beside it
                offence("include \"" target "\" is not named from the root")
        } else if (!may_include(target))
            offence("may not include \"" target "\"")
    }

    file ~ /^proto\/wire\/.*\.c$/ {
        code = $0
        gsub(/\/\*.*\*\//, "", code)
        gsub(/"([^"\\]|\\.)*"/, "\"\"", code)
        if (code ~ /^[ \t]*(\*|\/\*|\/\/)/)
            next
        sub(/\/[\/*].*/, "", code)
        if (match(code, "(^|[^A-Za-z0-9_.>])" impure "[ \t]*\\("))
            offence("a codec neither allocates nor does input or output: " substr(code, RSTART, RLENGTH))
    }' "$file"
done >>"$offences"

if [ -s "$offences" ]; then
    cat "$offences"
    echo "$(wc -l <"$offences") offences against the layout"
    exit 1
fi
echo "the layout is kept"
