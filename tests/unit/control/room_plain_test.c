/* Plain transports as signaling makes them: answers, addresses that are refused, and what they are good for.
 */
#include "tests/unit/control/room_stage.h"

#include <arpa/inet.h>

#include "control/counters.h"
#include "control/room/stats.h"

#define CREATE "[\"request\",{\"method\":\"createPlainTransport\",\"data\":"

static struct peer_transport *last_transport(const struct peer *peer)
{
    return TAILQ_LAST(&peer->transports, transport_list);
}

/* Of what this client makes, and how it is answered. */
static struct peer_transport *make_plain(struct stage *stage, uint64_t who, struct peer *peer,
                                         const char *data)
{
    size_t before = peer->transport_count;
    sayf(stage, who, "421" CREATE "%s}]", data);
    assert_int_equal(peer->transport_count, before + 1);
    struct peer_transport *transport = last_transport(peer);
    json_t *told = plain_transport_describe(transport->plain);
    int port = (int)json_integer_value(json_object_get(told, "port"));
    assert_int_equal(json_integer_value(json_object_get(told, "rtcpPort")), port + 1);
    json_decref(told);
    expectf(who, "431[null,{\"id\":\"%s\",\"ip\":\"127.0.0.1\",\"port\":%d,\"rtcpPort\":%d}]",
            peer_transport_id(transport), port, port + 1);
    return transport;
}

static void connect_plain(struct stage *stage, uint64_t who, const char *id, const char *address, bool fine)
{
    sayf(stage, who,
         "421[\"request\",{\"method\":\"connectPlainTransport\",\"data\":{\"transportId\":\"%s\"%s%s}}]", id,
         *address ? "," : "", address);
    expect(who, fine ? "431[]" : "431[500,\"request connectPlainTransport failed\"]");
}

static void test_made_and_connected(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage, NULL);
    struct peer *peer = enter(&stage, 1, 0); /* no role is needed, nor a join */
    struct peer_transport *transport = make_plain(&stage, 1, peer, "{\"consuming\":true}");
    assert_false(fake_plain.learns);
    const char *id = peer_transport_id(transport);
    connect_plain(&stage, 1, id, "\"ip\":\"127.0.0.1\",\"port\":50000,\"rtcpPort\":50001", true);
    assert_int_equal(fake_plain.connects, 1);
    assert_int_equal(ntohs(((struct sockaddr_in *)&fake_plain.remote)->sin_port), 50000);
    assert_int_equal(fake_plain.rtcp_port, 50001);
    connect_plain(&stage, 1, id, "\"ip\":\"127.0.0.1\",\"port\":50000,\"rtcpPort\":50001", false);
    assert_int_equal(fake_plain.connects, 1);

    json_t *stats = stats_transport(transport, false);
    assert_string_equal(json_string_value(json_object_get(stats, "type")), "plain-rtp-transport");
    assert_true(json_is_true(json_object_get(stats, "connected")));
    assert_true(json_is_false(json_object_get(stats, "comedia")));
    json_decref(stats);
    stage_close(&stage);
}

static void test_bad_addresses(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "\"ip\":\"127.0.0.1\",\"port\":50000",
        "\"ip\":\"127.0.0.1\",\"rtcpPort\":50001",
        "\"port\":50000,\"rtcpPort\":50001",
        "\"ip\":\"127.0.0.1\",\"port\":0,\"rtcpPort\":50001",
        "\"ip\":\"127.0.0.1\",\"port\":50000,\"rtcpPort\":65536",
        "\"ip\":\"127.0.0.1\",\"port\":-1,\"rtcpPort\":50001",
        "\"ip\":\"127.0.0.1\",\"port\":\"50000\",\"rtcpPort\":50001",
        "\"ip\":\"127.0.0.1\",\"port\":50000.5,\"rtcpPort\":50001",
        "\"ip\":\"127.0.0.1\",\"port\":null,\"rtcpPort\":[]",
        "\"ip\":5,\"port\":50000,\"rtcpPort\":50001",
        "\"ip\":\"127.0.0.1\\u0000\",\"port\":50000,\"rtcpPort\":50001",
        "\"ip\":\"localhost\",\"port\":50000,\"rtcpPort\":50001",
        "\"ip\":\"::1\",\"port\":50000,\"rtcpPort\":50001",
        "\"ip\":\"0.0.0.0\",\"port\":50000,\"rtcpPort\":50001",
        "\"ip\":\"224.0.0.1\",\"port\":50000,\"rtcpPort\":50001",
        "\"ip\":\"255.255.255.255\",\"port\":50000,\"rtcpPort\":50001",
        "\"ip\":\"127.255.255.255\",\"port\":50000,\"rtcpPort\":50001", /* of the network that lo is in */
    };
    struct stage stage;
    stage_open(&stage, NULL);
    struct peer *peer = enter(&stage, 1, 3);
    const char *id = peer_transport_id(make_plain(&stage, 1, peer, "{}"));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        connect_plain(&stage, 1, id, bad[i], false);
    /* Ports of plain transports: packets could go in circles. */
    json_t *own = plain_transport_describe(last_transport(peer)->plain);
    char address[128];
    for (int i = 0; i < 2; i++) {
        int port = (int)json_integer_value(json_object_get(own, "port")) + i;
        snprintf(address, sizeof(address), "\"ip\":\"127.0.0.1\",\"port\":%d,\"rtcpPort\":%d",
                 i ? 50000 : port, i ? port : 50001);
        connect_plain(&stage, 1, id, address, false);
    }
    json_decref(own);
    /* Also by another address of this machine, and before a transport has the port. */
    connect_plain(&stage, 1, id, "\"ip\":\"127.0.0.2\",\"port\":42398,\"rtcpPort\":50001", false);
    assert_int_equal(fake_plain.connects, 0);
    connect_plain(&stage, 1, id, "\"ip\":\"192.0.2.1\",\"port\":42000,\"rtcpPort\":42001", true);
    stage_close(&stage);
}

static void test_learned_address(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage, NULL);
    struct peer *peer = enter(&stage, 1, 3);
    struct peer_transport *transport =
        make_plain(&stage, 1, peer, "{\"producing\":true,\"consuming\":false}");
    assert_true(fake_plain.learns);
    connect_plain(&stage, 1, peer_transport_id(transport), "", true); /* which says nothing */
    connect_plain(&stage, 1, peer_transport_id(transport), "", false);
    assert_int_equal(fake_plain.connects, 0);
    stage_close(&stage);
}

static void test_kinds_are_not_mixed_up(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage, NULL);
    struct peer *peer = enter(&stage, 1, 3), *other = enter(&stage, 2, 3);
    const char *plain = peer_transport_id(make_plain(&stage, 1, peer, "\"str\""));
    const char *webrtc = make_transport(&stage, 1, peer, false);
    const char *address = "\"ip\":\"127.0.0.1\",\"port\":50000,\"rtcpPort\":50001";
    connect_plain(&stage, 1, webrtc, address, false);
    connect_plain(&stage, 2, plain, address, false); /* another peer's */
    connect_plain(&stage, 1, "00000000-0000-4000-8000-000000000000", address, false);
    sayf(&stage, 1, "422[\"request\",{\"method\":\"restartIce\",\"data\":{\"transportId\":\"%s\"}}]", plain);
    expect(1, "432[500,\"request restartIce failed\"]");
    sayf(
        &stage, 1,
        "423[\"request\",{\"method\":\"connectWebRtcTransport\",\"data\":{\"transportId\":\"%s\","
        "\"dtlsParameters\":{\"role\":\"client\",\"fingerprints\":[{\"algorithm\":\"sha-256\",\"value\":\"00:"
        "01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13:14:15:16:17:18:19:1A:1B:1C:1D:1E:1F\"}]}}}"
        "]",
        plain);
    expect(1, "433[500,\"request connectWebRtcTransport failed\"]");
    assert_int_equal(other->transport_count, 0);
    stage_close(&stage);
}

/* Producing needs the role and the join, as anywhere; consumers come by a plain transport, too. */
static void test_producing_and_consuming(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage, NULL);
    struct peer *publisher = enter_and_join(&stage, 1, 3, "A");
    struct peer *subscriber = enter_and_join(&stage, 2, 1, "B");
    forget(1);
    const char *from = peer_transport_id(make_plain(&stage, 1, publisher, "{\"producing\":true}"));
    struct peer_transport *to = make_plain(&stage, 2, subscriber, "{\"consuming\":true}");
    produce(&stage, 1, publisher, from, true);
    assert_int_equal(publisher->producer_count, 1);
    struct consumer *consumer = TAILQ_FIRST(&subscriber->consumers);
    assert_non_null(consumer);
    assert_ptr_equal(consumer->transport, to);
    forget(2);
    const char *mine = peer_transport_id(make_plain(&stage, 2, subscriber, "{\"producing\":true}"));
    sayf(&stage, 2,
         "424[\"request\",{\"method\":\"produce\",\"data\":{\"transportId\":\"%s\",\"kind\":\"audio\","
         "\"rtpParameters\":%s,\"appData\":{\"source\":\"mic\"}}}]",
         mine, media_opus_parameters);
    expect(2, "434[500,\"request produce failed\"]"); /* a SUBSCRIBER */
    stage_close(&stage);
}

static void test_exhaustion(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage, NULL);
    struct peer *peer = enter(&stage, 1, 3);
    uint64_t before = counters_get(COUNTER_PLAIN_PORTS);
    static const struct plain_service_config config = {
        .listen_ip = "127.0.0.1", .port_min = 42600, .port_max = 42603};
    struct plain_service *plain = stage.plain;
    struct plain_transport *transports[2], *none = NULL;
    assert_int_equal(plain_service_create(&config, NULL, &stage.plain), 0);
    assert_int_equal(plain_transport_create(stage.plain, true, false, &transports[0]), 0);
    assert_int_equal(plain_transport_create(stage.plain, true, false, &transports[1]), 0);
    assert_int_equal(plain_transport_create(stage.plain, true, false, &none), -EADDRNOTAVAIL);
    assert_null(none);
    assert_int_equal(counters_get(COUNTER_PLAIN_PORTS), before + 1);
    plain_transport_destroy(transports[0]);
    assert_int_equal(plain_transport_create(stage.plain, true, false, &transports[0]), 0);
    plain_transport_destroy(transports[0]);
    plain_transport_destroy(transports[1]);
    /* What the forwarder refuses leaves no port taken. */
    fake_forwarder.error = -EAGAIN;
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(plain_transport_create(stage.plain, true, false, &none), -EAGAIN);
    say(&stage, 1, "421" CREATE "{}}]");
    expect(1, "431[500,\"request createPlainTransport failed\"]");
    assert_int_equal(peer->transport_count, 0);
    fake_forwarder.error = 0;
    plain_service_destroy(stage.plain);
    stage.plain = plain;
    make_plain(&stage, 1, peer, "{}");
    stage_close(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_made_and_connected),      cmocka_unit_test(test_bad_addresses),
        cmocka_unit_test(test_learned_address),         cmocka_unit_test(test_kinds_are_not_mixed_up),
        cmocka_unit_test(test_producing_and_consuming), cmocka_unit_test(test_exhaustion),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
