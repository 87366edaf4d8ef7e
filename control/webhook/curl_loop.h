/* Transfers of libcurl on an event loop: its multi interface, driven by what libevent says of sockets and
 * time. */
#pragma once

#include <curl/curl.h>

struct curl_loop;
struct event_base;

/* A transfer has ended. It is still in the loop: curl_loop_remove it here, at the latest. Others may be
 * added. */
typedef void (*curl_loop_done_fn)(CURL *easy, CURLcode result);

/* -ENOMEM. */
int curl_loop_create(struct event_base *base, curl_loop_done_fn done, struct curl_loop **ret_loop);
/* After the last transfer has been removed. NULL is fine. */
void curl_loop_destroy(struct curl_loop *loop);

/* Starts a transfer, which stays the caller's. -ENOMEM. */
int curl_loop_add(struct curl_loop *loop, CURL *easy);
void curl_loop_remove(struct curl_loop *loop, CURL *easy);
