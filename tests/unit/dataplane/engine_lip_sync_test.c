/* Lip sync: what the sender reports to a receiver say of its pictures' times stays true whatever encoding it
#include <stdlib.h>
 * is sent (RFC 3550 section 6.4.1). */
#include "tests/unit/dataplane/engine_call.h"

#include "dataplane/ntp_time.h"

#define LOW_SSRC 4001u
#define HIGH_SSRC 4101u
#define LOW_BYTES 200u
#define HIGH_BYTES 1000u
#define AHEAD_US 1234567u /* alice's clock, of ours */
#define OFF_MAX_US 1000
#define UNREPORTED_MAX_US 45000 /* less than anybody notices */
#define REPORT_US 250000        /* after a switch the receiver has a new report */

struct scene {
    struct call call;
    uint16_t input[2];
    uint32_t base[2];               /* of the encodings' timestamps */
    struct rtcp_sender_info report; /* the last to bob */
    int64_t shift_us;               /* of what it says against the true time */
    bool has_shift;
    bool encoding; /* of the last picture */
    uint64_t switched_us;
    unsigned pictures[2]; /* that were compared */
    unsigned reports;
};

static void begin(struct scene *scene)
{
    struct call *call = &scene->call;
    struct rig_producer producer = {.handle = shm_handle_make(2, 1),
                                    .codec = KM__CODEC__VP8,
                                    .payload_type = 96,
                                    .ssrcs = {LOW_SSRC, HIGH_SSRC},
                                    .encodings = 2,
                                    .mid = "5"};

    memset(scene, 0, sizeof(*scene));
    scene->base[0] = 0xfffff000u; /* wraps soon */
    scene->base[1] = 1000000;
    call_init(call, SRTP_AEAD_AES_128_GCM, SRTP_AEAD_AES_128_GCM);
    producer.transport = call->alice.transport;
    assert_int_equal(rig_install_producer(&call->rig, &producer), 0);
    struct rig_consumer consumer = {.handle = shm_handle_make(6, 1),
                                    .transport = call->bob.transport,
                                    .producer = producer.handle,
                                    .ssrc = BOB_VIDEO_SSRC,
                                    .mid = "5"};
    assert_int_equal(rig_install_consumer(&call->rig, &consumer), 0);
}

static uint32_t timestamp_of(const struct scene *scene, unsigned encoding, uint64_t time_us)
{
    return scene->base[encoding] + (uint32_t)(time_us * 90 / 1000);
}

static void send_picture(struct scene *scene, unsigned encoding, uint64_t time_us, bool key)
{
    uint16_t sequence = scene->input[encoding]++;
    uint8_t payload[HIGH_BYTES] = {0x90,
                                   0x80,
                                   (uint8_t)(0x80 | (sequence >> 8 & 0x7f)),
                                   (uint8_t)sequence,
                                   key ? 0x10 : 0x11,
                                   2,
                                   0,
                                   0x9d,
                                   0x01,
                                   0x2a,
                                   0x40,
                                   1,
                                   0xf0};
    struct rig_rtp rtp = {.ssrc = encoding ? HIGH_SSRC : LOW_SSRC,
                          .payload_type = 96,
                          .sequence = sequence,
                          .timestamp = timestamp_of(scene, encoding, time_us),
                          .marker = true,
                          .payload = payload,
                          .payload_length = encoding ? HIGH_BYTES : LOW_BYTES};

    client_send_rtp(&scene->call.alice, &scene->call.rig, &rtp);
}

static void send_report(struct scene *scene, unsigned encoding)
{
    uint64_t time_us = rig_clock_us();
    struct rtcp_sender_info info = {.ssrc = encoding ? HIGH_SSRC : LOW_SSRC,
                                    .ntp = ntp_time_from_us(time_us + AHEAD_US),
                                    .rtp_timestamp = timestamp_of(scene, encoding, time_us)};
    uint8_t rtcp[64];
    int length = rtcp_write_sr(rtcp, sizeof(rtcp), &info, NULL, 0);

    client_send_rtcp(&scene->call.alice, &scene->call.rig, rtcp, (size_t)length);
}

static void take_rtcp(struct scene *scene, const struct rig_packet *packet)
{
    struct rtcp_iterator iterator;
    struct rtcp_packet part;
    struct rtcp_sender_info info;

    assert_int_equal(rtcp_begin(&iterator, packet->data, packet->length), 0);
    while (rtcp_next(&iterator, &part)) {
        if (part.type == RTCP_SR && rtcp_parse_sr(&part, &info) == 0 && info.ssrc == BOB_VIDEO_SSRC) {
            scene->report = info;
            scene->reports++;
        }
    }
}

/* The picture was taken at time_us: so says the report, but for a shift that never changes. */
static void compare(struct scene *scene, const struct rtp_header *header, uint64_t time_us)
{
    int64_t since_us = (int64_t)(int32_t)(header->timestamp - scene->report.rtp_timestamp) * 1000 / 90;
    int64_t shift_us = (int64_t)ntp_time_to_us(scene->report.ntp) + since_us - (int64_t)time_us;

    if (!scene->has_shift)
        scene->shift_us = shift_us;
    scene->has_shift = true;
    int64_t off_us = llabs(shift_us - scene->shift_us);
    if (scene->encoding != (header->payload_length >= HIGH_BYTES))
        scene->switched_us = time_us;
    scene->encoding = header->payload_length >= HIGH_BYTES;
    assert_in_range(off_us, 0, time_us - scene->switched_us < REPORT_US ? UNREPORTED_MAX_US : OFF_MAX_US);
    scene->pictures[header->payload_length >= HIGH_BYTES]++;
}

/* A picture of each encoding every 20 ms, key frames each half second, a report each second. */
static void run(struct scene *scene, unsigned ms)
{
    struct rig_packet packet;
    struct rtp_header header, last = {0};
    bool has_picture;

    scene->pictures[0] = scene->pictures[1] = 0;
    for (unsigned i = 0; i < ms / 20; i++) {
        uint64_t time_us = rig_clock_us();
        for (unsigned encoding = 0; encoding < 2; encoding++) {
            if (i % 50 == 3 + 17 * encoding)
                send_report(scene, encoding);
            send_picture(scene, encoding, time_us, i % 25 == 0);
        }
        rig_wait_ms(&scene->call.rig, 20);
        has_picture = false;
        while (client_receive(&scene->call.bob, &packet)) {
            if (packet.rtcp) {
                take_rtcp(scene, &packet);
                continue;
            }
            assert_int_equal(rtp_parse(packet.data, packet.length, &header), 0);
            if (header.ssrc == BOB_VIDEO_SSRC) {
                has_picture = true;
                last = header;
            }
        }
        /* Those before it come out of the store, and their times are squeezed (catch_up.h). */
        if (has_picture && scene->report.ntp != 0)
            compare(scene, &last, time_us);
    }
}

static void estimate(struct scene *scene, uint32_t bps)
{
    struct worker *worker = scene->call.rig.worker;
    struct transport *bob = transport_find(&worker->transports, scene->call.bob.transport);

    bob->row->available_bps = bps;
    allocation_estimate(worker, bob);
}

static void test_reports_hold_across_encodings(void **state)
{
    struct scene scene;

    (void)state;
    begin(&scene);
    run(&scene, 2000);
    scene.has_shift = false; /* from here on alice's reports are known */
    run(&scene, 3000);
    assert_true(scene.pictures[1] > 100);
    for (unsigned i = 0; i < 3; i++) {
        estimate(&scene, 200000);
        run(&scene, 3000);
        assert_true(scene.pictures[0] > 100);
        scene.pictures[1] = 0;
        for (unsigned s = 0; s < 60 && scene.pictures[1] < 40; s++) { /* after a while of patience */
            estimate(&scene, 3000000 + s);
            run(&scene, 1000);
        }
        run(&scene, 3000);
        assert_true(scene.pictures[1] > 100);
    }
    assert_true(scene.reports > 10);
    call_deinit(&scene.call);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_reports_hold_across_encodings)};
    return RIG_RUN(tests);
}
