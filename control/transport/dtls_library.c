#include "control/transport/dtls_library.h"

#include <openssl/core_dispatch.h>
#include <openssl/crypto.h>
#include <openssl/provider.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#define SHOWN_MAX 32

static OSSL_PROVIDER *whole;
static OSSL_ALGORITHM keys[SHOWN_MAX + 1];
static OSSL_ALGORITHM decoders[SHOWN_MAX + 1];

/* Of certificates and of key exchange. */
static bool is_key(const OSSL_ALGORITHM *algorithm)
{
    static const char *const shown[] = {"EC", "RSA", "RSA-PSS", "X25519", "ED25519"};
    size_t length = strcspn(algorithm->algorithm_names, ":");

    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++)
        if (strlen(shown[i]) == length && memcmp(algorithm->algorithm_names, shown[i], length) == 0)
            return true;
    return false;
}

static bool is_decoder(const OSSL_ALGORITHM *algorithm)
{
    return is_key(algorithm) && strstr(algorithm->property_definition, "input=der") &&
           strstr(algorithm->property_definition, "structure=SubjectPublicKeyInfo");
}

static void select_from(int operation, bool (*is_shown)(const OSSL_ALGORITHM *algorithm),
                        OSSL_ALGORITHM ret_shown[SHOWN_MAX + 1])
{
    int no_cache;
    const OSSL_ALGORITHM *all = OSSL_PROVIDER_query_operation(whole, operation, &no_cache);
    size_t count = 0;

    for (; all && all->algorithm_names && count < SHOWN_MAX; all++)
        if (is_shown(all))
            ret_shown[count++] = *all;
}

static const OSSL_ALGORITHM *query(void *context, int operation, int *ret_no_cache)
{
    (void)context;
    *ret_no_cache = 0;
    switch (operation) {
    case OSSL_OP_KEYMGMT:
        return keys;
    case OSSL_OP_DECODER:
        return decoders;
    case OSSL_OP_ENCODER:
    case OSSL_OP_STORE:
        return NULL;
    default:
        return OSSL_PROVIDER_query_operation(whole, operation, ret_no_cache);
    }
}

/* The groups of key exchange, which libssl asks for. */
static int capabilities(void *context, const char *capability, OSSL_CALLBACK *callback, void *argument)
{
    (void)context;
    return OSSL_PROVIDER_get_capabilities(whole, capability, callback, argument);
}

static int init(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *core,
                const OSSL_DISPATCH **ret_functions, void **ret_context)
{
    static const OSSL_DISPATCH functions[] = {
        {OSSL_FUNC_PROVIDER_QUERY_OPERATION, (void (*)(void))query},
        {OSSL_FUNC_PROVIDER_GET_CAPABILITIES, (void (*)(void))capabilities},
        {0, NULL},
    };
    (void)handle;
    (void)core;
    *ret_functions = functions;
    *ret_context = OSSL_PROVIDER_get0_provider_ctx(whole);
    return 1;
}

static OSSL_LIB_CTX *library;

static void make(void)
{
    whole = OSSL_PROVIDER_load(NULL, "default");
    OSSL_LIB_CTX *made = whole ? OSSL_LIB_CTX_new() : NULL;
    if (!made)
        return;
    select_from(OSSL_OP_KEYMGMT, is_key, keys);
    select_from(OSSL_OP_DECODER, is_decoder, decoders);
    if (OSSL_PROVIDER_add_builtin(made, "dtls", init) && OSSL_PROVIDER_load(made, "dtls"))
        library = made;
    else
        OSSL_LIB_CTX_free(made);
}

OSSL_LIB_CTX *dtls_library(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, make);
    return library;
}
