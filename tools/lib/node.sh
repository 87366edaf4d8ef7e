# shellcheck shell=sh
# Which Node to use, for the shell scripts of this repository. The tests need version 20 or newer.

node_is_new_enough()
{
    "$1" -e 'process.exit(Number(process.versions.node.split(".")[0]) >= 20 ? 0 : 1)' 2>/dev/null
}

# node_find ROOT: prints the path of a new enough node: the one in PATH, or that of ROOT/build/node, where
# tools/test puts npm's package of that name. Fails when there is none.
node_find()
{
    for node_candidate in "$(command -v node)" "$1/build/node/node_modules/node/bin/node"; do
        if [ -n "$node_candidate" ] && [ -x "$node_candidate" ] && node_is_new_enough "$node_candidate"; then
            printf '%s\n' "$node_candidate"
            return 0
        fi
    done
    return 1
}
