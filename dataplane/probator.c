#include "dataplane/probator.h"

#include <errno.h>
#include <string.h>

#include "dataplane/srtp_index.h"
#include "dataplane/worker.h"
#include "proto/wire/rtp_ext.h"

#define TIMESTAMP_STEP 20u
#define TRAILER_BYTES 16u /* of the profiles that are negotiated nowadays */

static const char mid[] = "probator";

/* Returns the bytes of the header. */
static int write_head(const struct transport *transport, const struct rewrite_extensions *extensions,
                      uint64_t now_us, uint8_t *out, size_t out_bytes)
{
    const struct shm_transport_row *row = transport->row;
    uint8_t send_time[RTP_EXT_ABS_SEND_TIME_BYTES];
    uint8_t number[2];
    const struct rtp_ext_item all[] = {
        {extensions->id[MEDIA_EXTENSION_MID], sizeof(mid) - 1, (const uint8_t *)mid},
        {extensions->id[MEDIA_EXTENSION_ABS_SEND_TIME], sizeof(send_time), send_time},
        {extensions->id[MEDIA_EXTENSION_TRANSPORT_WIDE_CC], sizeof(number), number},
    };
    struct rtp_ext_item items[3];
    size_t count = 0;
    const struct rtp_header header = {.payload_type = PROBATOR_PAYLOAD_TYPE,
                                      .has_extension = true,
                                      .sequence = (uint16_t)row->probator_next,
                                      .timestamp = (uint32_t)row->probator_next * TIMESTAMP_STEP,
                                      .ssrc = PROBATOR_SSRC};

    store_be24(send_time, rtp_ext_abs_send_time_from_us(now_us));
    store_be16(number, row->twcc_sequence);
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        if (all[i].id != 0)
            items[count++] = all[i];
    }
    rtp_write_fixed_header(out, &header);
    int block_bytes = rtp_ext_write(out + RTP_FIXED_HEADER_BYTES, out_bytes - RTP_FIXED_HEADER_BYTES, items,
                                    count, RTP_EXT_FORM_AUTO);
    return block_bytes < 0 ? block_bytes : (int)RTP_FIXED_HEADER_BYTES + block_bytes;
}

int probator_send(struct worker *worker, const struct consumer *like, uint32_t bytes)
{
    struct transport *transport = like->transport;
    struct srtp_protect_job *job = egress_begin(worker, transport, SRTP_KIND_RTP);

    if (!job)
        return -ENOTCONN;
    int length =
        write_head(transport, &like->row->media.extensions, worker->now_us, job->out, job->out_capacity);
    if (length < 0 || bytes > job->out_capacity) {
        egress_cancel(worker);
        return -EMSGSIZE;
    }
    job->clear_bytes = (uint32_t)length;
    job->head_bytes = bytes > (uint32_t)length + TRAILER_BYTES ? bytes - TRAILER_BYTES : (uint32_t)length + 1;
    memset(job->out + length, 0, job->head_bytes - job->clear_bytes);
    job->stream = &transport->row->srtp_probator;
    job->index = transport->row->probator_next++;
    egress_number(worker, transport->row->twcc_sequence++);
    egress_commit(worker);
    return 0;
}

void probator_new_keys(struct transport *transport)
{
    transport->row->probator_next = srtp_index_begin(transport->row->probator_next);
}
