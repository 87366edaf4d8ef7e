/* For daemon.c, which makes the parts, and daemon_wiring.c, which passes on what they say to each other. */
#pragma once

struct daemon;
struct event_base;
struct forwarder_handler;
struct gateway_handler;

struct daemon {
    const struct config *config;
    struct event_base *base;
    struct ortc_router *router;
    struct forwarder *forwarder;
    struct webrtc_service *webrtc;
    struct plain_service *plain;
    struct webhook *webhook; /* or NULL */
    struct networks *trust;  /* or NULL */
    struct address_limits *limits;
    struct rooms *rooms;
    struct signaling *signaling;
    struct api *api;
    struct gateway *gateway;
    struct event *hangup;
    struct drain *drain;
    struct console *console;
};

/* The context of both is the daemon. */
extern const struct forwarder_handler daemon_forwarder_handler;
extern const struct gateway_handler daemon_gateway_handler;
