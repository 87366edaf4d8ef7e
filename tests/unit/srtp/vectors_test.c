/* The vectors of RFC 3711 appendix B.2 and B.3 and of RFC 7714 sections 16 and 17. */
#include <errno.h>

#include "dataplane/srtp_iv.h"
#include "dataplane/srtp_kdf.h"
#include "srtp_rig.h"

static size_t from_hex(const char *hex, uint8_t *ret_bytes)
{
    size_t count = 0;

    for (; hex[0] && hex[1]; hex += 2) {
        char digits[3] = {hex[0], hex[1], 0};
        ret_bytes[count++] = (uint8_t)strtoul(digits, NULL, 16);
    }
    return count;
}

static void assert_hex(const uint8_t *bytes, const char *hex)
{
    uint8_t expected[256];
    size_t count = from_hex(hex, expected);
    assert_memory_equal(bytes, expected, count);
}

static void rfc_3711_b3_key_derivation(void **state)
{
    (void)state;
    uint8_t master[30], out[94];

    from_hex("E1F97A0D3E018BE0D64FA32C06DE41390EC675AD498AFEEBB6960B3AABE6", master);
    assert_int_equal(srtp_kdf_generate(master, 16, master + 16, SRTP_LABEL_RTP_KEY, out, 16), 0);
    assert_hex(out, "C61E7A93744F39EE10734AFE3FF7A087");
    assert_int_equal(srtp_kdf_generate(master, 16, master + 16, SRTP_LABEL_RTP_SALT, out, 14), 0);
    assert_hex(out, "30CBBC08863D8C85D49DB34A9AE1");
    assert_int_equal(srtp_kdf_generate(master, 16, master + 16, SRTP_LABEL_RTP_AUTH, out, 94), 0);
    assert_hex(out, "CEBE321F6FF7716B6FD4AB49AF256A156D38BAA48F0A0ACF3C34E2359E6CDBCE"
                    "E049646C43D9327AD175578EF72270986371C10C9A369AC2F94A8C5FBCDDDC25"
                    "6D6E919A48B610EF17C2041E474035766B68642C59BBFC2F34DB60DBDFB2");

    struct srtp_session_keys keys;
    assert_int_equal(srtp_kdf_derive(SRTP_AES128_CM_SHA1_80, master, &keys), 0);
    assert_hex(keys.rtp_key, "C61E7A93744F39EE10734AFE3FF7A087");
    assert_hex(keys.rtp_salt, "30CBBC08863D8C85D49DB34A9AE1");
    assert_hex(keys.rtp_auth, "CEBE321F6FF7716B6FD4AB49AF256A156D38BAA4");
    assert_int_equal(srtp_kdf_derive((enum srtp_profile)0, master, &keys), -EINVAL);
}

static void keystream(const struct srtp_provider *provider, struct srtp_cipher_key *key, uint16_t block,
                      const char *expected)
{
    uint8_t salt[14], text[48] = {0}, zeros[48] = {0};
    struct srtp_cipher_job job = {.key = key,
                                  .text = text,
                                  .tail = zeros,
                                  .tail_bytes = sizeof(zeros),
                                  .authenticated = text,
                                  .authenticated_bytes = sizeof(text)};

    from_hex("F0F1F2F3F4F5F6F7F8F9FAFBFCFD", salt);
    srtp_iv_cm(salt, 0, 0, job.iv);
    job.iv[14] = (uint8_t)(block >> 8);
    job.iv[15] = (uint8_t)block;
    provider->seal(&job, 1);
    assert_true(job.is_done);
    assert_hex(text, expected);
}

static void keystreams(const struct srtp_provider *provider)
{
    _Alignas(SHM_CACHE_LINE) uint8_t memory[SRTP_CIPHER_KEY_BYTES];
    struct srtp_cipher_key *key = (struct srtp_cipher_key *)(void *)memory;
    uint8_t bytes[16], auth[20] = {0};

    from_hex("2B7E151628AED2A6ABF7158809CF4F3C", bytes);
    assert_int_equal(provider->key_init(SRTP_AES128_CM_SHA1_80, bytes, auth, key), 0);
    keystream(
        provider, key, 0,
        "E03EAD0935C95E80E166B16DD92B4EB4D23513162B02D0F72A43A2FE4A5F97AB41E95B3BB0A2E8DD477901E4FCA894C0");
    keystream(
        provider, key, 0xfeff,
        "EC8CDF7398607CB0F2D21675EA9EA1E4362B7C3C6773516318A077D7FC5073AE6A2CC3787889374FBEB4C81B17BA6C44");
    provider->key_deinit(key);
}

static void rfc_3711_b2_counter_mode(void **state)
{
    (void)state;
    keystreams(&srtp_provider_openssl);
#if KM_WITH_IPSEC_MB
    if (srtp_provider_ipsec_mb.is_available())
        keystreams(&srtp_provider_ipsec_mb);
#endif
}

#define RTP                                                                                                  \
    "8040f17b8041f8d35501a0b247616c6c696120657374206f6d6e69732064697669736120696e207061727465732074726573"
#define SRTP_128                                                                                             \
    "8040f17b8041f8d35501a0b2f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5f47a51c7d19b36de3adf8833"   \
    "899d7f27beb16a9152cf765ee4390cce"
#define SRTP_256                                                                                             \
    "8040f17b8041f8d35501a0b232b1de78a822fe12ef9f78fa332e33aab18012389a58e2f3b50b2a0276ffae0f1ba63799b87b"   \
    "7aa3db36dfffd6b0f9bb7878d7a76c13"
#define RTCP                                                                                                 \
    "81c8000d4d6172734e5450314e545032525450200000042a0000e9304c756e61deadbeefdeadbeefdeadbeefdeadbeefdeadbe" \
    "ef"
#define SRTCP_128                                                                                            \
    "81c8000d4d61727363e94885dcdab67ca727d7662f6b7e997ff5c0f76c06f32dc676a5f1730d6fda4ce09b4686303ded0bb927" \
    "5b"                                                                                                     \
    "c84aa45896cf4d2fc5abf87245d9eade800005d4"
#define SRTCP_256                                                                                            \
    "81c8000d4d617273d50ae4d1f5ce5d304ba297e47d470c282c3ece5dbffe0a50a2eaa5c1110555be8415f658c61de0476f1b6f" \
    "ad"                                                                                                     \
    "1d1eb30c4446839f57ff6f6cb26ac3be800005d4"
/* Section 17.3: authenticated only. */
#define SRTCP_128_CLEAR                                                                                      \
    "81c8000d4d6172734e5450314e545032525450200000042a0000e9304c756e61deadbeefdeadbeefdeadbeefdeadbeefdeadbe" \
    "ef"                                                                                                     \
    "841dd9683dd78ec92ae58790125f62b3000005d4"

/* The vectors give session keys, which is what the plain state holds. */
static void give_session_keys(struct srtp_session_keys *keys)
{
    for (unsigned i = 0; i < 32; i++)
        keys->rtp_key[i] = keys->rtcp_key[i] = (uint8_t)i;
    memcpy(keys->rtp_salt, "Quid pro quo", 12);
    memcpy(keys->rtcp_salt, "Quid pro quo", 12);
}

static void rfc_7714(const struct srtp_backend *backend, enum srtp_profile profile, const char *srtp,
                     const char *srtcp)
{
    static struct peer_memory memory;
    struct peer peer;
    struct packet packet, sealed;
    uint8_t plain[128];

    memset(&memory, 0, sizeof(memory));
    memory.state.owner = PEER_OWNER;
    memory.state.profile = profile;
    memory.state.rtcp_next = 0x5d4;
    give_session_keys(&memory.state.send);
    give_session_keys(&memory.state.receive);
    peer_adopt(&peer, backend, &memory);

    packet.length = (uint32_t)from_hex(RTP, packet.data);
    assert_int_equal(protect(&peer, &packet, 0, 0xf17b), SRTP_OK);
    assert_int_equal(packet.length, from_hex(srtp, sealed.data));
    assert_memory_equal(packet.data, sealed.data, packet.length);
    assert_int_equal(unprotect(&peer, &packet, SRTP_KIND_RTP, &packet), SRTP_OK);
    assert_int_equal(packet.length, from_hex(RTP, plain));
    assert_memory_equal(packet.data, plain, packet.length);

    packet.length = (uint32_t)from_hex(RTCP, packet.data);
    assert_int_equal(protect_rtcp(&peer, &packet), SRTP_OK);
    assert_int_equal(packet.length, from_hex(srtcp, sealed.data));
    assert_memory_equal(packet.data, sealed.data, packet.length);
    packet.length = (uint32_t)from_hex(SRTCP_128_CLEAR, packet.data);
    assert_int_equal(unprotect(&peer, &packet, SRTP_KIND_RTCP, NULL), SRTP_MALFORMED);
    packet.length = (uint32_t)from_hex(srtcp, packet.data);
    assert_int_equal(unprotect(&peer, &packet, SRTP_KIND_RTCP, &packet), SRTP_OK);
    assert_int_equal(packet.length, from_hex(RTCP, plain));
    assert_memory_equal(packet.data, plain, packet.length);
    peer_deinit(&peer);
}

static void rfc_7714_16_and_17(void **state)
{
    (void)state;
    for (const struct srtp_backend *const *backend = native_backends(); *backend; backend++) {
        rfc_7714(*backend, SRTP_AEAD_AES_128_GCM, SRTP_128, SRTCP_128);
        rfc_7714(*backend, SRTP_AEAD_AES_256_GCM, SRTP_256, SRTCP_256);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc_3711_b3_key_derivation),
        cmocka_unit_test(rfc_3711_b2_counter_mode),
        cmocka_unit_test(rfc_7714_16_and_17),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
