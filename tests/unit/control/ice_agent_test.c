/* The ICE-lite agent against checks right and wrong, restarts, roaming and floods of pairs. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "control/transport/ice_agent.h"
#include "proto/wire/stun_write.h"
#include "tests/unit/wire/hmac_sha1.h"

static struct {
    int tuples;
    struct sockaddr_in selected;
    int selections;
    bool nominated;
    uint8_t answer[256];
    size_t answer_length;
    int answers;
    bool tuple_before_answer;
} seen;

static int add_tuple(void *context, const struct sockaddr *remote)
{
    (void)context;
    (void)remote;
    seen.tuples++;
    return 0;
}

static void remove_tuple(void *context, const struct sockaddr *remote)
{
    (void)context;
    (void)remote;
    seen.tuples--;
}

static int select_tuple(void *context, const struct sockaddr *remote, bool nominated)
{
    (void)context;
    seen.nominated = nominated;
    memcpy(&seen.selected, remote, sizeof seen.selected);
    seen.selections++;
    return 0;
}

static void send_answer(void *context, const struct sockaddr *remote, const uint8_t *data, size_t length)
{
    (void)context;
    (void)remote;
    assert_true(length <= sizeof seen.answer);
    memcpy(seen.answer, data, length);
    seen.answer_length = length;
    seen.answers++;
    seen.tuple_before_answer = seen.tuples > 0;
}

static const struct ice_actions actions = {add_tuple, remove_tuple, select_tuple, send_answer};

static struct ice_agent agent;

/* Whether the next checks come over TCP, as the forwarder marks it. */
static bool over_tcp;

static int make_agent(void **state)
{
    struct ice_credentials credentials;
    (void)state;
    memset(&seen, 0, sizeof seen);
    over_tcp = false;
    if (ice_credentials_make(0, &credentials) != 0)
        return -1;
    ice_agent_init(&agent, &credentials, &actions, NULL);
    return 0;
}

static struct sockaddr_in remote(uint16_t port)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
    inet_pton(AF_INET, "127.0.0.1", &in.sin_addr);
    return in;
}

struct check {
    const char *ufrag;
    const char *password;
    bool use_candidate;
    bool controlled;
    uint8_t damage; /* xor-ed into the last byte of MESSAGE-INTEGRITY's input */
};

static enum ice_result send_check(uint16_t port, const struct check *check)
{
    static const uint8_t transaction[12] = "transaction";
    uint8_t bytes[256];
    char username[80];
    struct stun_message message;
    struct sockaddr_in from = remote(port);
    from.sin_zero[0] = over_tcp ? IPPROTO_TCP : 0;
    const struct stun_key key = {(const uint8_t *)check->password, strlen(check->password),
                                 hmac_sha1_by_hand};

    snprintf(username, sizeof username, "%s:peer", check->ufrag);
    const struct stun_binding_request request = {.transaction_id = transaction,
                                                 .username = username,
                                                 .username_length = strlen(username),
                                                 .priority = 1,
                                                 .tiebreaker = 7,
                                                 .controlling = !check->controlled,
                                                 .use_candidate = check->use_candidate};
    int length = stun_write_binding_request(bytes, sizeof bytes, &request, &key);
    assert_true(length > 0);
    bytes[8] ^= check->damage;
    assert_int_equal(stun_parse(bytes, (size_t)length, &message), 0);
    enum ice_state before = agent.state;
    bool trusted = ice_agent_trusts(&agent, &message);
    assert_int_equal(agent.state, before);
    enum ice_result result = ice_agent_receive(&agent, (struct sockaddr *)&from, &message);
    assert_int_equal(trusted, result == ICE_ANSWERED || result == ICE_REFUSED);
    return result;
}

static enum ice_result good_check(uint16_t port, bool use_candidate)
{
    const struct check check = {agent.credentials.ufrag, agent.credentials.password, use_candidate, false, 0};
    return send_check(port, &check);
}

static void credentials_name_their_worker_and_differ(void **state)
{
    (void)state;
    struct ice_credentials a;
    struct ice_credentials b;
    assert_int_equal(ice_credentials_make(37, &a), 0);
    assert_int_equal(ice_credentials_make(37, &b), 0);
    assert_memory_equal(a.ufrag, "11", 2);
    assert_int_equal(strlen(a.ufrag), 32);
    assert_int_equal(strlen(a.password), 32);
    assert_string_not_equal(a.ufrag, b.ufrag);
    assert_string_not_equal(a.password, b.password);
    assert_int_equal(strspn(a.password, "abcdefghijklmnopqrstuvwxyz0123456789"), 32);
    assert_true(ice_credentials_make(ICE_WORKERS_MAX, &a) < 0);
}

static void a_good_check_is_answered_after_its_tuple_is_known(void **state)
{
    (void)state;
    struct stun_message answer;
    struct sockaddr_storage mapped;
    struct sockaddr_in expected = remote(5000);

    assert_int_equal(good_check(5000, false), ICE_ANSWERED);
    assert_int_equal(agent.state, ICE_CONNECTED);
    assert_true(seen.tuple_before_answer);
    assert_int_equal(stun_parse(seen.answer, seen.answer_length, &answer), 0);
    assert_int_equal(answer.class, STUN_SUCCESS);
    assert_true(stun_check_fingerprint(&answer));
    assert_true(stun_check_integrity(
        &answer, &(struct stun_key){(const uint8_t *)agent.credentials.password, 32, hmac_sha1_by_hand}));
    assert_int_equal(stun_xor_mapped_address(&answer, &mapped), 0);
    assert_memory_equal(&mapped, &expected, sizeof expected);
    assert_memory_equal(&seen.selected, &expected, sizeof expected);
    assert_int_equal(good_check(5000, true), ICE_ANSWERED);
    assert_int_equal(agent.state, ICE_COMPLETED);
    assert_true(seen.nominated);
    assert_int_equal(good_check(5000, true), ICE_ANSWERED);
    assert_int_equal(seen.selections, 2); /* selected, then nominated; a third check says nothing new */
}

static void what_does_not_authenticate_is_silence(void **state)
{
    (void)state;
    const struct check wrong_password = {agent.credentials.ufrag, "wrong", true, false, 0};
    const struct check wrong_ufrag = {"00unknown", agent.credentials.password, true, false, 0};
    const struct check damaged = {agent.credentials.ufrag, agent.credentials.password, true, false, 1};

    assert_int_equal(send_check(5000, &wrong_password), ICE_UNAUTHENTICATED);
    assert_int_equal(send_check(5000, &wrong_ufrag), ICE_UNAUTHENTICATED);
    assert_int_equal(send_check(5000, &damaged), ICE_UNAUTHENTICATED);
    assert_int_equal(seen.answers, 0);
    assert_int_equal(seen.tuples, 0);
    assert_int_equal(agent.state, ICE_NEW);
    assert_null(ice_agent_selected(&agent));
}

static void a_role_conflict_is_487_and_changes_nothing(void **state)
{
    (void)state;
    const struct check conflict = {agent.credentials.ufrag, agent.credentials.password, false, true, 0};
    struct stun_message answer;

    assert_int_equal(send_check(5000, &conflict), ICE_REFUSED);
    assert_int_equal(stun_parse(seen.answer, seen.answer_length, &answer), 0);
    assert_int_equal(answer.error_code, STUN_ROLE_CONFLICT);
    assert_int_equal(seen.tuples, 0);
}

static void nomination_moves_media_and_a_plain_check_does_not(void **state)
{
    (void)state;
    assert_int_equal(good_check(5000, false), ICE_ANSWERED);
    assert_int_equal(good_check(5001, false), ICE_ANSWERED); /* the most recent, before nomination */
    assert_int_equal(ntohs(seen.selected.sin_port), 5001);
    assert_int_equal(good_check(5000, true), ICE_ANSWERED);
    assert_int_equal(ntohs(seen.selected.sin_port), 5000);
    assert_int_equal(good_check(5002, false), ICE_ANSWERED);
    assert_int_equal(ntohs(seen.selected.sin_port), 5000);
    assert_int_equal(good_check(5002, true), ICE_ANSWERED); /* the client has roamed */
    assert_int_equal(ntohs(seen.selected.sin_port), 5002);
    assert_int_equal(agent.tuple_count, 3);
}

static void tcp_and_udp_of_one_address_are_two_pairs(void **state)
{
    (void)state;
    assert_int_equal(good_check(1000, true), ICE_ANSWERED);
    over_tcp = true;
    assert_int_equal(good_check(1000, true), ICE_ANSWERED);
    assert_int_equal(seen.tuples, 2);
    assert_int_equal(seen.selections, 2);
    assert_int_equal(seen.selected.sin_zero[0], IPPROTO_TCP);
    over_tcp = false;
    assert_int_equal(good_check(1000, true), ICE_ANSWERED);
    assert_int_equal(agent.tuple_count, 2);
    assert_int_equal(seen.selected.sin_zero[0], 0);
}

static void tuples_are_bounded_and_the_selected_one_stays(void **state)
{
    (void)state;
    struct sockaddr_in first = remote(5000);
    assert_int_equal(good_check(5000, true), ICE_ANSWERED);
    for (uint16_t i = 1; i < 1000; i++)
        assert_int_equal(good_check((uint16_t)(5000 + i), false), ICE_ANSWERED);
    assert_int_equal(agent.tuple_count, ICE_TUPLES_MAX);
    assert_int_equal(seen.tuples, ICE_TUPLES_MAX);
    assert_true(ice_agent_knows(&agent, (struct sockaddr *)&first));
    assert_memory_equal(ice_agent_selected(&agent), &first, sizeof first);
}

static void a_restart_keeps_the_old_pair_until_a_new_one_is_nominated(void **state)
{
    (void)state;
    struct ice_credentials old = agent.credentials;
    struct ice_credentials fresh;
    const struct check of_old = {old.ufrag, old.password, false, false, 0};

    assert_int_equal(good_check(5000, true), ICE_ANSWERED);
    assert_int_equal(ice_credentials_make(0, &fresh), 0);
    ice_agent_restart(&agent, &fresh);
    const struct check nominating_of_old = {old.ufrag, old.password, true, false, 0};
    assert_int_equal(send_check(5000, &nominating_of_old), ICE_ANSWERED);
    assert_false(agent.selected_is_nominated);
    assert_int_equal(send_check(5000, &of_old), ICE_ANSWERED);
    assert_non_null(ice_agent_selected(&agent));
    assert_int_equal(good_check(5001, false), ICE_ANSWERED);
    assert_int_equal(ntohs(seen.selected.sin_port), 5000);
    assert_int_equal(good_check(5001, true), ICE_ANSWERED);
    assert_int_equal(ntohs(seen.selected.sin_port), 5001);
    assert_int_equal(send_check(5000, &of_old), ICE_UNAUTHENTICATED);
}

static void lost_consent_forgets_pairs_and_a_new_check_brings_them_back(void **state)
{
    (void)state;
    assert_int_equal(good_check(5000, true), ICE_ANSWERED);
    assert_int_equal(good_check(5001, false), ICE_ANSWERED);
    ice_agent_lose_consent(&agent);
    assert_int_equal(agent.state, ICE_DISCONNECTED);
    assert_int_equal(seen.tuples, 0);
    assert_null(ice_agent_selected(&agent));
    assert_int_equal(good_check(5001, true), ICE_ANSWERED);
    assert_int_equal(agent.state, ICE_COMPLETED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(credentials_name_their_worker_and_differ),
        cmocka_unit_test_setup(a_good_check_is_answered_after_its_tuple_is_known, make_agent),
        cmocka_unit_test_setup(what_does_not_authenticate_is_silence, make_agent),
        cmocka_unit_test_setup(a_role_conflict_is_487_and_changes_nothing, make_agent),
        cmocka_unit_test_setup(nomination_moves_media_and_a_plain_check_does_not, make_agent),
        cmocka_unit_test_setup(tcp_and_udp_of_one_address_are_two_pairs, make_agent),
        cmocka_unit_test_setup(tuples_are_bounded_and_the_selected_one_stays, make_agent),
        cmocka_unit_test_setup(a_restart_keeps_the_old_pair_until_a_new_one_is_nominated, make_agent),
        cmocka_unit_test_setup(lost_consent_forgets_pairs_and_a_new_check_brings_them_back, make_agent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
