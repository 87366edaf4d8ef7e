#include "shm/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

static const uint8_t v4_mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

bool shm_address_from_sockaddr(const struct sockaddr *name, struct shm_address *ret_address)
{
    struct shm_address address = {.port = 0};

    if (name->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, name, sizeof in);
        memcpy(address.ip, v4_mapped, sizeof v4_mapped);
        memcpy(address.ip + 12, &in.sin_addr, 4);
        address.port = ntohs(in.sin_port);
        address.protocol = in.sin_zero[0];
    } else if (name->sa_family == AF_INET6) {
        struct sockaddr_in6 in6;
        memcpy(&in6, name, sizeof in6);
        memcpy(address.ip, &in6.sin6_addr, 16);
        address.port = ntohs(in6.sin6_port);
        address.scope = in6.sin6_scope_id;
        address.protocol = ntohl(in6.sin6_flowinfo) & 0xff;
    } else {
        return false;
    }
    *ret_address = address;
    return true;
}

socklen_t shm_address_to_family(const struct shm_address *address, int family,
                                struct sockaddr_storage *ret_name)
{
    if (family == AF_INET) {
        struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(address->port)};
        if (memcmp(address->ip, v4_mapped, sizeof v4_mapped) != 0)
            return 0;
        memcpy(&in.sin_addr, address->ip + 12, 4);
        memcpy(ret_name, &in, sizeof in);
        return sizeof in;
    }
    struct sockaddr_in6 in6 = {
        .sin6_family = AF_INET6, .sin6_port = htons(address->port), .sin6_scope_id = address->scope};
    memcpy(&in6.sin6_addr, address->ip, 16);
    memcpy(ret_name, &in6, sizeof in6);
    return sizeof in6;
}

socklen_t shm_address_to_sockaddr(const struct shm_address *address, struct sockaddr_storage *ret_name)
{
    socklen_t length = shm_address_to_family(address, AF_INET, ret_name);

    if (length > 0) {
        ((struct sockaddr_in *)ret_name)->sin_zero[0] = (uint8_t)address->protocol;
        return length;
    }
    length = shm_address_to_family(address, AF_INET6, ret_name);
    ((struct sockaddr_in6 *)ret_name)->sin6_flowinfo = htonl(address->protocol);
    return length;
}

const char *shm_address_text(const uint8_t ip[16], char ret_text[SHM_ADDRESS_TEXT_BYTES])
{
    bool is_v4 = memcmp(ip, v4_mapped, sizeof v4_mapped) == 0;

    inet_ntop(is_v4 ? AF_INET : AF_INET6, is_v4 ? ip + sizeof v4_mapped : ip, ret_text,
              SHM_ADDRESS_TEXT_BYTES);
    return ret_text;
}
