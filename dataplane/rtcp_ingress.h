/* RTCP from the network: reports about what is sent, clocks of what is received, requests for key frames.
 * What it says about streams of another transport is not listened to. */
#pragma once

#include "dataplane/ingress.h"

struct worker;

/* A compound that was authenticated and decrypted. */
void rtcp_ingress(struct worker *worker, const struct ingress_packet *packet);
