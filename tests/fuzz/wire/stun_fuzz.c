/* STUN: any datagram is parsed, checked and answered. */
#include <errno.h>
#include <netinet/in.h>

#include "fuzz_check.h"
#include "proto/wire/stun_write.h"

/* Stands for an HMAC: cheap, and every byte of its input counts. */
static bool mix(const uint8_t *key, size_t key_length, const uint8_t *data, size_t length,
                uint8_t ret_mac[20])
{
    memset(ret_mac, 0, 20);
    for (size_t i = 0; i < key_length; i++)
        ret_mac[i % 20] ^= key[i];
    for (size_t i = 0; i < length; i++)
        ret_mac[i % 20] = (uint8_t)(ret_mac[i % 20] * 31 + data[i]);
    return true;
}

static const struct stun_key key = {(const uint8_t *)"password", 8, mix};

static void check_written(const uint8_t *buffer, int length, enum stun_class class,
                          const uint8_t *transaction_id)
{
    struct stun_message written;
    CHECK(length > 0);
    CHECK(stun_parse(buffer, (size_t)length, &written) == 0);
    CHECK(written.class == class);
    CHECK(memcmp(written.transaction_id, transaction_id, STUN_TRANSACTION_ID_BYTES) == 0);
    CHECK(stun_check_fingerprint(&written));
    CHECK(stun_check_integrity(&written, &key));
    CHECK(written.unknown_count == 0);
}

static void answer(const struct stun_message *message)
{
    uint8_t buffer[1024];
    struct sockaddr_storage address = {.ss_family = AF_INET}, read;
    struct stun_message written;
    if (stun_xor_mapped_address(message, &address) == 0)
        CHECK(address.ss_family == AF_INET || address.ss_family == AF_INET6);
    int length = stun_write_success(buffer, STUN_SUCCESS_MAX, message->transaction_id,
                                    (const struct sockaddr *)&address, &key);
    check_written(buffer, length, STUN_SUCCESS, message->transaction_id);
    CHECK(stun_parse(buffer, (size_t)length, &written) == 0);
    CHECK(stun_xor_mapped_address(&written, &read) == 0);
    CHECK(memcmp(&read, &address, sizeof read) == 0);

    length = stun_write_error(buffer, sizeof buffer, message->transaction_id, STUN_UNKNOWN_ATTRIBUTE,
                              message->unknown, message->unknown_count, &key);
    check_written(buffer, length, STUN_ERROR, message->transaction_id);

    const struct stun_binding_request request = {
        .transaction_id = message->transaction_id,
        .username = message->username,
        .username_length = message->username_length,
        .priority = message->priority,
        .tiebreaker = message->tiebreaker,
        .controlling = message->has_controlling,
        .use_candidate = message->use_candidate,
        .has_nomination = message->has_nomination,
        .nomination = message->nomination,
    };
    length = stun_write_binding_request(buffer, sizeof buffer, &request, &key);
    check_written(buffer, length, STUN_REQUEST, message->transaction_id);
    CHECK(stun_parse(buffer, (size_t)length, &written) == 0);
    CHECK(written.username_length == message->username_length);
    CHECK(written.priority == message->priority && written.tiebreaker == message->tiebreaker);
    CHECK(written.use_candidate == message->use_candidate && written.nomination == message->nomination);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
    struct stun_message message;
    uint8_t input[STUN_MESSAGE_MAX];
    if (stun_parse(data, length, &message) < 0)
        return 0;
    CHECK(message.length == length && message.class <= STUN_ERROR && message.method <= 0xfff);
    CHECK(message.unknown_count <= STUN_UNKNOWN_MAX);
    CHECK(!(message.has_controlling && message.has_controlled));
    touch(message.username, message.username_length);
    int bytes = stun_integrity_input(&message, input, sizeof input);
    CHECK(bytes == -ENODATA || (bytes >= STUN_HEADER_BYTES && (size_t)bytes < length));
    stun_check_integrity(&message, &key);
    stun_check_fingerprint(&message);
    answer(&message);
    return 0;
}
