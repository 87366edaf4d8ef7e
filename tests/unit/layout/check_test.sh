#!/bin/sh
# Tests check.sh: a good tree passes, and each kind of offence is found.

check=$(cd "$(dirname "$0")" && pwd)/check.sh
tree=$(mktemp -d) || exit 2
trap 'rm -rf "$tree"' EXIT
failures=0

fresh_tree()
{
    rm -rf "$tree"
    mkdir -p "$tree/control/forwarder" "$tree/control/room" "$tree/dataplane" "$tree/ebpf" "$tree/proto/wire" \
        "$tree/shm" "$tree/tests" "$tree/tools/kolabmeet-load" "$tree/tools/kolabmeetctl" "$tree/build" "$tree/.git"
}

# put FILE LINE: a file of the tree with one line.
put()
{
    mkdir -p "$(dirname "$tree/$1")"
    printf '%s\n' "$2" >"$tree/$1"
}

expect_good()
{
    if ! output=$(sh "$check" "$tree"); then
        echo "FAIL: $1: $output"
        failures=$((failures + 1))
    fi
}

# expect_offence WHAT PATTERN
expect_offence()
{
    if output=$(sh "$check" "$tree"); then
        echo "FAIL: $1 is not found"
        failures=$((failures + 1))
    elif ! printf '%s\n' "$output" | grep -q "$2"; then
        echo "FAIL: $1: the message is: $output"
        failures=$((failures + 1))
    fi
}

fresh_tree
put proto/wire/rtp.c '#include "proto/wire/rtp.h"'
put dataplane/worker.c '#include "shm/ring.h"'
put control/forwarder/client.c '#include "shm/segment.h"'
put control/forwarder/steering.c '#include "ebpf/reuseport.skel.h"'
put ebpf/reuseport.bpf.c '#include "shm/bpf_abi.h"'
put control/metrics.c '#include "shm/statistics.h"'
put control/room/room.c '#include "proto/wire/socketio.h"'
put tools/kolabmeetctl/main.c '#include "shm/statistics.h"'
put tools/kolabmeet-load/client.c '#include "dataplane/srtp.h"'
put tools/kolabmeet-load/meter.c '#include "ebpf/packet_meter.skel.h"'
put tests/a_test.c '#include "control/room/room.h"'
put tests/b_test.c '#include "b_data.h"'
put proto/wire/stun.c '    rtp_write(out); /* malloc( */ x.free(1); y = "printf(";'
put tools/page/node_modules/x/y.c '#include "nowhere.h"'
expect_good 'a good tree'

fresh_tree
mkdir "$tree/src"
expect_offence 'an eighth folder' '^src/: '

# Each: the file, and what it may not include.
while read -r file target; do
    fresh_tree
    put "$file" "#include \"$target\""
    expect_offence "$file includes $target" "^$file:1: may not include \"$target\""
done <<'TABLE'
proto/wire/rtp.c shm/ring.h
shm/ring.c proto/wire/rtp.h
dataplane/worker.c control/log.h
control/room/room.c shm/segment.h
control/room/room.c dataplane/worker.h
control/forwarder/client.c dataplane/worker.h
tools/kolabmeetctl/main.c control/log.h
tools/kolabmeetctl/main.c dataplane/srtp.h
tools/kolabmeet-load/client.c dataplane/worker.h
ebpf/steer.bpf.c dataplane/worker.h
ebpf/steer.bpf.c shm/segment.h
control/room/room.c ebpf/reuseport.skel.h
control/forwarder/steering.c ebpf/reuseport.bpf.c
tools/kolabmeetctl/main.c ebpf/reuseport.skel.h
TABLE

fresh_tree
put control/room/room.c '#include "peer.h"'
expect_offence 'an include beside the file' 'not named from the root'

fresh_tree
put tests/a_test.c '#include "../control/room/room.h"'
expect_offence 'a path that climbs' 'not named from the root'

fresh_tree
awk 'BEGIN { for (i = 0; i < 601; i++) print "" }' >"$tree/shm/long.c"
expect_offence 'a file of 601 lines' '^shm/long.c:601: over 600 lines'

for call in 'p = malloc(4);' '	free (p);' 'printf("x");' 'if (read(fd, p, 1))'; do
    fresh_tree
    put proto/wire/rtp.c "$call"
    expect_offence "$call in a codec" '^proto/wire/rtp.c:1: a codec'
done

[ "$failures" -eq 0 ] && echo 'all offences are found'
[ "$failures" -eq 0 ]
