#include "dataplane/srtp_rtcp_keys.h"

#include <errno.h>

static struct srtp_cipher_key *key_at(struct srtp_rtcp_keys *keys, uint32_t at)
{
    return (struct srtp_cipher_key *)(void *)keys->memory[at];
}

int srtp_rtcp_keys_find(struct srtp_rtcp_keys *keys, const struct srtp_session *session,
                        struct srtp_cipher_key **ret_key)
{
    const struct srtp_session_keys *raw = srtp_session_raw_keys(session, keys->direction);

    for (uint32_t i = 0; i < keys->count; i++) {
        if (keys->sessions[i] == session) {
            *ret_key = key_at(keys, i);
            return 0;
        }
    }
    if (keys->count == SRTP_RTCP_KEYS)
        return -ENOSPC;
    struct srtp_cipher_key *key = key_at(keys, keys->count);
    int error = session->provider->key_init(session->profile, raw->rtcp_key, raw->rtcp_auth, key);
    if (error != 0)
        return error;
    keys->sessions[keys->count++] = session;
    *ret_key = key;
    return 0;
}

void srtp_rtcp_keys_deinit(struct srtp_rtcp_keys *keys)
{
    for (uint32_t i = 0; i < keys->count; i++)
        keys->sessions[i]->provider->key_deinit(key_at(keys, i));
    keys->count = 0;
}
