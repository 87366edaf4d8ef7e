# shellcheck shell=bash
# Under which addresses a server with these settings is reached, for tools/run.

# reach_is_any ADDRESS: whether it stands for all addresses of a machine.
reach_is_any()
{
    [ -z "$1" ] || [ "$1" = 0.0.0.0 ] || [ "$1" = :: ]
}

# reach_is_loopback HOST: an address, or what stands in a URL, perhaps with a port.
reach_is_loopback()
{
    [[ $1 == 127.* || $1 == ::1 || $1 == \[::1]* || $1 == localhost || $1 == localhost:* ]]
}

# reach_url_host ADDRESS: as it stands in a URL.
reach_url_host()
{
    if [[ $1 == *:* && $1 != \[* ]]; then
        printf '[%s]\n' "$1"
    else
        printf '%s\n' "$1"
    fi
}

# reach_local LISTENING_HOST: the host to ask for it on this machine.
reach_local()
{
    case $1 in
    '' | 0.0.0.0) echo 127.0.0.1 ;;
    ::) echo '[::1]' ;;
    *) reach_url_host "$1" ;;
    esac
}

# reach_public LISTENING_HOST ANNOUNCED LISTEN_IP FIRST: the host for people, of the addresses that it listens on or
# media is announced with (a list by commas), and the first of this machine.
reach_public()
{
    local address
    for address in "$1" "${2%%,*}" "$3" "$4"; do
        if ! reach_is_any "$address"; then
            reach_url_host "$address"
            return
        fi
    done
    echo 127.0.0.1
}

# reach_domain PUBLIC_DOMAIN HOST: PUBLIC_DOMAIN, host[:port], with HOST for a host that nobody can go to.
reach_domain()
{
    case $1 in
    0.0.0.0 | '[::]') printf '%s\n' "$2" ;;
    0.0.0.0:* | '[::]:'*) printf '%s:%s\n' "$2" "${1##*:}" ;;
    *) printf '%s\n' "$1" ;;
    esac
}

# reach_is_taken HOST PORT: whether somebody answers there, HOST as in a URL.
reach_is_taken()
{
    local host=${1#\[}
    (exec 3<>"/dev/tcp/${host%\]}/$2") 2>/dev/null
}
