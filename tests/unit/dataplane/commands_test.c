/* What a worker makes of commands: each is answered, wrong ones change nothing, keys leave no trace. */
#include "tests/unit/dataplane/engine_client.h"

#include <errno.h>

#define TRANSPORT shm_handle_make(0, 1)
#define PRODUCER shm_handle_make(0, 1)
#define CONSUMER shm_handle_make(0, 1)

static const struct rig_producer good_producer = {.handle = (1ull << 32),
                                                  .transport = (1ull << 32),
                                                  .codec = KM__CODEC__VP8,
                                                  .payload_type = 96,
                                                  .ssrcs = {1000},
                                                  .encodings = 1,
                                                  .mid = "0"};
static const struct rig_consumer good_consumer = {
    .handle = (1ull << 32), .transport = (1ull << 32), .producer = (1ull << 32), .ssrc = 2000, .mid = "0"};

static int setup(void **state)
{
    struct rig *rig = calloc(1, sizeof(*rig));

    rig_init(rig);
    *state = rig;
    return 0;
}

static int teardown(void **state)
{
    rig_deinit(*state);
    free(*state);
    return 0;
}

static void test_lives_of_a_handle(void **state)
{
    struct rig *rig = *state;

    assert_int_equal(rig_install_transport(rig, TRANSPORT), 0);
    assert_int_equal(rig_install_transport(rig, TRANSPORT), EEXIST);
    assert_int_equal(rig_install_transport(rig, shm_handle_make(0, 2)), EEXIST);
    assert_int_equal(rig_install_transport(rig, shm_handle_make(rig_capacities.transports, 1)), ERANGE);
    assert_int_equal(rig_install_transport(rig, shm_handle_make(UINT32_MAX, 1)), ERANGE);
    assert_int_equal(rig_install_transport(rig, shm_handle_make(3, 0)), ESTALE);
    assert_int_equal(rig_remove(rig, KM__COMMAND__BODY_REMOVE_TRANSPORT, TRANSPORT), 0);
    assert_int_equal(rig_remove(rig, KM__COMMAND__BODY_REMOVE_TRANSPORT, TRANSPORT), ENOENT);
    assert_int_equal(rig_install_transport(rig, TRANSPORT), ESTALE);
    assert_int_equal(rig_install_transport(rig, shm_handle_make(0, 2)), 0);
}

static void test_unknown_handles(void **state)
{
    static const Km__Command__BodyCase removes[] = {KM__COMMAND__BODY_REMOVE_TRANSPORT,
                                                    KM__COMMAND__BODY_REMOVE_PRODUCER,
                                                    KM__COMMAND__BODY_REMOVE_CONSUMER};
    static const shm_handle handles[] = {0, 1, 1ull << 32 | 7, 2ull << 32, UINT64_MAX};
    struct rig *rig = *state;

    assert_int_equal(rig_install_transport(rig, TRANSPORT), 0);
    assert_int_equal(rig_install_producer(rig, &good_producer), 0);
    assert_int_equal(rig_install_consumer(rig, &good_consumer), 0);
    for (unsigned i = 0; i < sizeof(handles) / sizeof(handles[0]); i++) {
        for (unsigned j = 0; j < 3; j++)
            assert_int_equal(rig_remove(rig, removes[j], handles[i]), ENOENT);
        assert_int_equal(rig_pause(rig, KM__COMMAND__BODY_PAUSE_PRODUCER, handles[i], true), ENOENT);
        assert_int_equal(rig_pause(rig, KM__COMMAND__BODY_PAUSE_CONSUMER, handles[i], true), ENOENT);
        assert_int_equal(rig_install_keys(rig, handles[i], SRTP_AEAD_AES_128_GCM, 1), ENOENT);
        Km__RequestKeyFrame request = KM__REQUEST_KEY_FRAME__INIT;
        request.producer = handles[i];
        assert_int_equal(rig_command(rig, KM__COMMAND__BODY_REQUEST_KEY_FRAME, &request), ENOENT);
        Km__SetIceCredentials ice = KM__SET_ICE_CREDENTIALS__INIT;
        ice.transport = handles[i];
        assert_int_equal(rig_command(rig, KM__COMMAND__BODY_SET_ICE_CREDENTIALS, &ice), ENOENT);
        struct shm_address address = {.port = 5};
        assert_int_equal(rig_select(rig, handles[i], &address), ENOENT);
        struct rig_producer producer = good_producer;
        producer.transport = handles[i];
        assert_int_equal(rig_install_producer(rig, &producer), ENOENT);
        struct rig_consumer consumer = good_consumer;
        consumer.producer = handles[i];
        assert_int_equal(rig_install_consumer(rig, &consumer), ENOENT);
    }
    assert_int_equal(rig->worker->streams.producer_count, 1);
    assert_int_equal(rig->worker->streams.consumer_count, 1);
}

static uint32_t install_with_ice(struct rig *rig, const char *ufrag, const char *password)
{
    Km__InstallTransport message = KM__INSTALL_TRANSPORT__INIT;

    message.transport = TRANSPORT;
    message.ice_ufrag = (char *)ufrag;
    message.ice_password = (char *)password;
    return rig_command(rig, KM__COMMAND__BODY_INSTALL_TRANSPORT, &message);
}

static void test_ice_credentials_have_a_length(void **state)
{
    static const char longest[] = "abcdefghijklmnopqrstuvwxyz0123456789abc";
    struct rig *rig = *state;
    char longer[64];

    _Static_assert(sizeof(longest) == SHM_ICE_STRING_BYTES, "as long as it may be");
    snprintf(longer, sizeof(longer), "%sd", longest);
    assert_int_equal(install_with_ice(rig, "", "password"), EINVAL);
    assert_int_equal(install_with_ice(rig, "ufrag", ""), EINVAL);
    assert_int_equal(install_with_ice(rig, longer, "password"), EINVAL);
    assert_int_equal(install_with_ice(rig, "ufrag", longer), EINVAL);
    assert_int_equal(rig->worker->transports.count, 0);
    assert_int_equal(install_with_ice(rig, longest, longest), 0);
    const struct shm_transport_row *row = shm_segment_at(&rig->segment, SHM_SECTION_TRANSPORT, 0);
    assert_string_equal(row->ice.ufrag, longest);
    assert_true(row->rtcp_ssrc != 0);
}

static void test_selected_pair_must_be_known(void **state)
{
    struct rig *rig = *state;
    struct shm_address address = {.ip = {[10] = 0xff, [11] = 0xff, [12] = 10, [15] = 1}, .port = 4000};
    Km__SelectTuple message = KM__SELECT_TUPLE__INIT;

    assert_int_equal(rig_install_transport(rig, TRANSPORT), 0);
    assert_int_equal(rig_install_transport(rig, shm_handle_make(1, 1)), 0);
    assert_int_equal(rig_select(rig, TRANSPORT, &address), EINVAL);
    assert_int_equal(tuple_map_insert(&rig->tuples, &address, shm_handle_make(1, 1), 0), 0);
    assert_int_equal(rig_select(rig, TRANSPORT, &address), EINVAL);
    assert_int_equal(rig_select(rig, shm_handle_make(1, 1), &address), 0);

    message.transport = shm_handle_make(1, 1);
    message.port = 4000;
    message.address = (ProtobufCBinaryData){4, address.ip + 12};
    assert_int_equal(rig_command(rig, KM__COMMAND__BODY_SELECT_TUPLE, &message), EINVAL);
    message.address = (ProtobufCBinaryData){16, address.ip};
    message.port = 65536 + 4000;
    assert_int_equal(rig_command(rig, KM__COMMAND__BODY_SELECT_TUPLE, &message), EINVAL);
    message.port = 0;
    assert_int_equal(rig_command(rig, KM__COMMAND__BODY_SELECT_TUPLE, &message), EINVAL);
}

static void test_keys_have_the_length_of_their_profile(void **state)
{
    struct rig *rig = *state;
    uint8_t key[64] = {0};
    Km__InstallKeys message = KM__INSTALL_KEYS__INIT;

    assert_int_equal(rig_install_transport(rig, TRANSPORT), 0);
    message.transport = TRANSPORT;
    for (int profile = 0; profile <= 4; profile++) {
        size_t right = srtp_key_bytes((enum srtp_profile)profile);
        for (size_t bytes = 0; bytes <= 64; bytes++) {
            if (bytes == right && right != 0)
                continue;
            message.profile = (Km__SrtpProfile)profile;
            message.receive_key = (ProtobufCBinaryData){bytes, key};
            message.send_key = (ProtobufCBinaryData){right, key};
            assert_int_equal(rig_command(rig, KM__COMMAND__BODY_INSTALL_KEYS, &message), EINVAL);
            message.receive_key.len = right;
            message.send_key.len = bytes;
            assert_int_equal(rig_command(rig, KM__COMMAND__BODY_INSTALL_KEYS, &message), EINVAL);
        }
    }
    const struct shm_transport_row *row = shm_segment_at(&rig->segment, SHM_SECTION_TRANSPORT, 0);
    assert_int_equal(row->has_keys, 0);
}

static bool holds(const void *memory, size_t bytes, const uint8_t *needle, size_t needle_bytes)
{
    return memmem(memory, bytes, needle, needle_bytes) != NULL;
}

static void test_keys_leave_no_trace(void **state)
{
    struct rig *rig = *state;
    uint8_t key[28];

    rig_key(key, sizeof(key), 33);
    assert_int_equal(rig_install_transport(rig, TRANSPORT), 0);
    assert_int_equal(rig_install_keys(rig, TRANSPORT, SRTP_AEAD_AES_128_GCM, 33), 0);
    const struct shm_transport_row *row = shm_segment_at(&rig->segment, SHM_SECTION_TRANSPORT, 0);
    struct srtp_session_keys session = row->srtp.send;
    assert_int_equal(row->srtp.profile == SRTP_AEAD_AES_128_GCM, rig_srtp == &srtp_native);
    assert_false(holds(shm_segment_at(&rig->segment, SHM_SECTION_COMMAND_RING, 0),
                       SHM_RING_BYTES(rig_capacities.command_ring_bytes), key, sizeof(key)));
    assert_false(holds(&rig->worker->arena, sizeof(rig->worker->arena), key, sizeof(key)));
    assert_int_equal(rig_remove(rig, KM__COMMAND__BODY_REMOVE_TRANSPORT, TRANSPORT), 0);
    assert_false(holds(rig->segment.header, rig->segment.bytes, key, sizeof(key)));
    if (rig_srtp == &srtp_native)
        assert_false(holds(rig->segment.header, rig->segment.bytes, session.rtp_key, 16));
}

/* A producer with all of it good, to be spoilt one thing at a time. */
struct producer_message {
    Km__InstallProducer message;
    Km__PayloadType types[9];
    Km__PayloadType *type_list[9];
    Km__Encoding encodings[5];
    Km__Encoding *encoding_list[5];
    Km__HeaderExtension extensions[2];
    Km__HeaderExtension *extension_list[2];
};

static void make_producer(struct producer_message *m)
{
    km__install_producer__init(&m->message);
    for (unsigned i = 0; i < 9; i++) {
        km__payload_type__init(&m->types[i]);
        m->types[i].codec = KM__CODEC__VP8;
        m->types[i].clock_rate = 90000;
        m->types[i].payload_type = 96 + i;
        m->types[i].router_payload_type = 101;
        m->type_list[i] = &m->types[i];
    }
    for (unsigned i = 0; i < 5; i++) {
        km__encoding__init(&m->encodings[i]);
        m->encodings[i].stream = shm_handle_make(i, 1);
        m->encodings[i].ssrc = 100 + i;
        m->encoding_list[i] = &m->encodings[i];
    }
    for (unsigned i = 0; i < 2; i++) {
        km__header_extension__init(&m->extensions[i]);
        m->extensions[i].uri = KM__HEADER_EXTENSION__URI__MID + (int)i;
        m->extensions[i].id = i + 1;
        m->extension_list[i] = &m->extensions[i];
    }
    m->message.producer = PRODUCER;
    m->message.transport = TRANSPORT;
    m->message.kind = KM__MEDIA_KIND__VIDEO;
    m->message.type = KM__CONSUMER_TYPE__SIMULCAST;
    m->message.mid = (char *)"0";
    m->message.n_payload_types = 1;
    m->message.payload_types = m->type_list;
    m->message.n_encodings = 2;
    m->message.encodings = m->encoding_list;
    m->message.n_header_extensions = 2;
    m->message.header_extensions = m->extension_list;
}

static void test_bad_producers(void **state)
{
    struct rig *rig = *state;
    struct producer_message m;

    assert_int_equal(rig_install_transport(rig, TRANSPORT), 0);
#define REFUSED(error, spoil)                                                                                \
    do {                                                                                                     \
        make_producer(&m);                                                                                   \
        spoil;                                                                                               \
        assert_int_equal(rig_command(rig, KM__COMMAND__BODY_INSTALL_PRODUCER, &m.message), error);           \
        assert_int_equal(rig->worker->streams.producer_count, 0);                                            \
        assert_null(rig->worker->transports.transports[0].producers[0]);                                     \
    } while (0)
    REFUSED(EINVAL, m.message.kind = KM__MEDIA_KIND__MEDIA_KIND_UNSPECIFIED);
    REFUSED(EINVAL, m.message.kind = 77);
    REFUSED(EINVAL, m.message.type = 9);
    REFUSED(EINVAL, m.message.type = -1);
    REFUSED(EINVAL, m.message.mid = (char *)"abcdefghijklmnopqrstuvwxyz0123456");
    REFUSED(EINVAL, m.message.n_payload_types = 0);
    REFUSED(EINVAL, m.message.n_payload_types = 9);
    REFUSED(EINVAL, m.types[0].payload_type = 128);
    REFUSED(EINVAL, m.types[0].rtx_payload_type = 1u << 31);
    REFUSED(EINVAL, m.types[0].router_payload_type = 200);
    REFUSED(EINVAL, m.types[0].clock_rate = 0);
    REFUSED(EINVAL, m.types[0].codec = KM__CODEC__CODEC_UNSPECIFIED);
    REFUSED(EINVAL, m.types[0].codec = 300);
    REFUSED(EINVAL, m.message.n_encodings = 0);
    REFUSED(EINVAL, m.message.n_encodings = 5);
    REFUSED(EINVAL, m.encodings[1].rid = (char *)"abcdefghijklmnopq");
    REFUSED(EINVAL, m.encodings[1].temporal_layers = 9);
    REFUSED(EINVAL, m.encodings[1].spatial_layers = 1000);
    REFUSED(EINVAL, m.encodings[1].ssrc = 0); /* nothing to tell it by */
    REFUSED(EEXIST, m.encodings[1].ssrc = 100);
    REFUSED(EEXIST, m.encodings[1].stream = shm_handle_make(0, 1));
    REFUSED(ERANGE, m.encodings[1].stream = shm_handle_make(32, 1));
    REFUSED(ESTALE, m.encodings[1].stream = shm_handle_make(1, 0));
    REFUSED(ERANGE, m.message.producer = shm_handle_make(16, 1));
    REFUSED(EINVAL, m.extensions[1].id = 1);
    REFUSED(EINVAL, m.extensions[1].id = 0);
    REFUSED(EINVAL, m.extensions[1].id = 256 + 2);
    REFUSED(EINVAL, m.extensions[1].uri = 99);
#undef REFUSED
    make_producer(&m);
    assert_int_equal(rig_command(rig, KM__COMMAND__BODY_INSTALL_PRODUCER, &m.message), 0);

    /* The same SSRC, the same MID, an extension id with another meaning on the same transport. */
    make_producer(&m);
    m.message.producer = shm_handle_make(1, 1);
    m.message.mid = (char *)"1";
    m.encodings[0].stream = shm_handle_make(10, 1);
    m.encodings[1].stream = shm_handle_make(11, 1);
    assert_int_equal(rig_command(rig, KM__COMMAND__BODY_INSTALL_PRODUCER, &m.message), EEXIST);
    m.encodings[0].ssrc = 500;
    m.encodings[1].ssrc = 501;
    m.message.mid = (char *)"0";
    assert_int_equal(rig_command(rig, KM__COMMAND__BODY_INSTALL_PRODUCER, &m.message), EEXIST);
    m.message.mid = (char *)"1";
    m.extensions[0].uri = KM__HEADER_EXTENSION__URI__TOFFSET;
    assert_int_equal(rig_command(rig, KM__COMMAND__BODY_INSTALL_PRODUCER, &m.message), EEXIST);
    m.extensions[0].uri = KM__HEADER_EXTENSION__URI__MID;
    assert_int_equal(rig_command(rig, KM__COMMAND__BODY_INSTALL_PRODUCER, &m.message), 0);
}

static void test_producers_of_a_transport_are_bounded(void **state)
{
    struct rig *rig = *state;
    char mid[8];

    assert_int_equal(rig_install_transport(rig, TRANSPORT), 0);
    for (uint32_t i = 0; i < 10; i++) {
        snprintf(mid, sizeof(mid), "%u", i);
        struct rig_producer producer = good_producer;
        producer.handle = shm_handle_make(i, 1);
        producer.ssrcs[0] = 1000 + 10 * i;
        producer.mid = mid;
        assert_int_equal(rig_install_producer(rig, &producer), 0);
    }
    assert_int_equal(rig_remove(rig, KM__COMMAND__BODY_REMOVE_PRODUCER, shm_handle_make(4, 1)), 0);
    assert_int_equal(rig_remove(rig, KM__COMMAND__BODY_REMOVE_TRANSPORT, TRANSPORT), 0);
    assert_int_equal(rig->worker->streams.producer_count, 0);
    for (uint32_t i = 0; i < rig_capacities.streams; i++) {
        const struct shm_stream_row *row = shm_segment_at(&rig->segment, SHM_SECTION_STREAM, i);
        assert_int_equal(row->row.state, SHM_ROW_FREE);
    }
}

static void test_bad_consumers(void **state)
{
    struct rig *rig = *state;
    struct rig_consumer consumer = good_consumer;

    assert_int_equal(rig_install_transport(rig, TRANSPORT), 0);
    assert_int_equal(rig_install_producer(rig, &good_producer), 0);
    consumer.ssrc = 0;
    assert_int_equal(rig_install_consumer(rig, &consumer), EINVAL);
    consumer = good_consumer;
    consumer.mid = "abcdefghijklmnop";
    assert_int_equal(rig_install_consumer(rig, &consumer), EINVAL);
    consumer = good_consumer;
    consumer.handle = shm_handle_make(rig_capacities.consumers, 1);
    assert_int_equal(rig_install_consumer(rig, &consumer), ERANGE);
    assert_int_equal(rig_install_consumer(rig, &good_consumer), 0);
    assert_int_equal(rig_install_consumer(rig, &good_consumer), EEXIST);
    consumer = good_consumer;
    consumer.handle = shm_handle_make(1, 1); /* another one, but with the SSRC of the first */
    assert_int_equal(rig_install_consumer(rig, &consumer), EEXIST);
    consumer.ssrc = 2001;
    assert_int_equal(rig_install_consumer(rig, &consumer), 0);
    assert_int_equal(rig->worker->streams.consumer_count, 2);

    /* They go with their producer. */
    assert_int_equal(rig_remove(rig, KM__COMMAND__BODY_REMOVE_PRODUCER, PRODUCER), 0);
    assert_int_equal(rig->worker->streams.consumer_count, 0);
    assert_int_equal(rig_remove(rig, KM__COMMAND__BODY_REMOVE_CONSUMER, CONSUMER), ENOENT);
}

/* Pushes bytes and drops what is answered; returns how many Acks came. */
static unsigned push_anything(struct rig *rig, const uint8_t *bytes, uint32_t length)
{
    Km__Event *event;
    unsigned acks = 0;

    assert_int_equal(ring_push(&rig->commands, bytes, length), 0);
    rig_rounds(rig);
    while ((event = rig_next_event(rig))) {
        acks += event->body_case == KM__EVENT__BODY_ACK;
        km__event__free_unpacked(event, NULL);
    }
    return acks;
}

static void test_torn_and_random_messages(void **state)
{
    struct rig *rig = *state;
    struct producer_message m;
    uint8_t packed[2048], bytes[2048];
    Km__Command command = KM__COMMAND__INIT;
    unsigned seed = 12345;

    assert_int_equal(rig_install_transport(rig, TRANSPORT), 0);
    make_producer(&m);
    command.sequence = 9;
    command.body_case = KM__COMMAND__BODY_INSTALL_PRODUCER;
    command.install_producer = &m.message;
    uint32_t length = (uint32_t)km__command__pack(&command, packed);
    for (uint32_t cut = 0; cut < length; cut++)
        assert_int_equal(push_anything(rig, packed, cut), 1);
    for (unsigned i = 0; i < 20000; i++) {
        memcpy(bytes, packed, length);
        for (unsigned j = 0; j < 3; j++)
            bytes[rand_r(&seed) % (length | 1)] = (uint8_t)rand_r(&seed);
        assert_int_equal(push_anything(rig, bytes, length), 1);
    }
    for (unsigned i = 0; i < 20000; i++) {
        uint32_t random_length = (uint32_t)rand_r(&seed) % 100;
        for (uint32_t j = 0; j < random_length; j++)
            bytes[j] = (uint8_t)rand_r(&seed);
        assert_int_equal(push_anything(rig, bytes, random_length), 1);
    }
}

static void test_huge_message(void **state)
{
    struct rig *rig = *state;
    static uint8_t bytes[16000];
    Km__Command command = KM__COMMAND__INIT;
    static Km__HeaderExtension extensions[3000];
    static Km__HeaderExtension *list[3000];
    struct producer_message m;

    make_producer(&m);
    for (unsigned i = 0; i < 3000; i++) {
        km__header_extension__init(&extensions[i]);
        extensions[i].uri = KM__HEADER_EXTENSION__URI__MID;
        list[i] = &extensions[i];
    }
    m.message.n_header_extensions = 3000;
    m.message.header_extensions = list;
    command.body_case = KM__COMMAND__BODY_INSTALL_PRODUCER;
    command.install_producer = &m.message;
    assert_true(km__command__get_packed_size(&command) <= sizeof(bytes));
    uint32_t length = (uint32_t)km__command__pack(&command, bytes);
    assert_int_equal(rig_command_bytes(rig, bytes, length, 0), EBADMSG); /* does not fit the arena */
    assert_int_equal(rig_install_transport(rig, TRANSPORT), 0);
}

static void test_unknown_command(void **state)
{
    static const uint8_t later[] = {0x08, 77, 0xaa,
                                    0x06, 1,  0}; /* sequence 77, a field that is not known yet */
    static const uint8_t empty[] = {0x08, 78};

    assert_int_equal(rig_command_bytes(*state, later, sizeof(later), 77), EOPNOTSUPP);
    assert_int_equal(rig_command_bytes(*state, empty, sizeof(empty), 78), EOPNOTSUPP);
}

/* While control does not take its events, its commands wait: no Ack is lost. */
static void test_acks_are_never_lost(void **state)
{
    struct rig *rig = *state;
    uint8_t packed[64];
    Km__Command command = KM__COMMAND__INIT;
    Km__Remove remove = KM__REMOVE__INIT;
    uint64_t sent = 0, acked = 0;
    Km__Event *event;

    command.body_case = KM__COMMAND__BODY_REMOVE_PRODUCER;
    command.remove_producer = &remove;
    for (unsigned i = 0; i < 200; i++) {
        for (unsigned j = 0; j < 50; j++) {
            command.sequence = sent + 1;
            uint32_t length = (uint32_t)km__command__pack(&command, packed);
            if (ring_push(&rig->commands, packed, length) != 0)
                break;
            sent++;
        }
        rig_rounds(rig);
    }
    assert_true(sent > 2000);
    uint64_t before;
    do {
        before = acked;
        while ((event = rig_find_event(rig, KM__EVENT__BODY_ACK))) {
            assert_int_equal(event->ack->sequence, ++acked);
            km__event__free_unpacked(event, NULL);
        }
        rig_rounds(rig);
    } while (acked > before);
    assert_int_equal(acked, sent);
    assert_int_equal(rig->worker->totals.events_lost, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_lives_of_a_handle),
        TEST(test_unknown_handles),
        TEST(test_ice_credentials_have_a_length),
        TEST(test_selected_pair_must_be_known),
        TEST(test_keys_have_the_length_of_their_profile),
        TEST(test_keys_leave_no_trace),
        TEST(test_bad_producers),
        TEST(test_producers_of_a_transport_are_bounded),
        TEST(test_bad_consumers),
        TEST(test_torn_and_random_messages),
        TEST(test_huge_message),
        TEST(test_unknown_command),
        TEST(test_acks_are_never_lost),
    };
    return RIG_RUN(tests);
}
