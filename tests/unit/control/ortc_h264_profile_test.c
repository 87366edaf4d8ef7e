#include "tests/unit/control/ortc_data.h"

#include "control/ortc/h264_profile.h"
#include "control/ortc/scalability_mode.h"

static void profiles_are_told_by_idc_and_constraints(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum h264_profile profile;
        unsigned level;
    } cases[] = {
        {"42e01f", H264_PROFILE_CONSTRAINED_BASELINE, 31},
        {"42C02A", H264_PROFILE_CONSTRAINED_BASELINE, 42},
        {"4de01f", H264_PROFILE_CONSTRAINED_BASELINE, 31},
        {"58f01f", H264_PROFILE_CONSTRAINED_BASELINE, 31},
        {"42a01f", H264_PROFILE_BASELINE, 31},
        {"58a01f", H264_PROFILE_BASELINE, 31},
        {"4d4033", H264_PROFILE_MAIN, 51},
        {"4d0032", H264_PROFILE_MAIN, 50},
        {"640034", H264_PROFILE_HIGH, 52},
        {"640c0a", H264_PROFILE_CONSTRAINED_HIGH, 10},
        {"f4001f", H264_PROFILE_HIGH_444_PREDICTIVE, 31},
        {"42f00b", H264_PROFILE_CONSTRAINED_BASELINE, H264_LEVEL_1B},
        {"42e00b", H264_PROFILE_CONSTRAINED_BASELINE, 11},
        {"4d100b", H264_PROFILE_MAIN, H264_LEVEL_1B},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct h264_profile_level value;
        assert_true(h264_profile_parse(cases[i].text, &value));
        assert_int_equal(value.profile, cases[i].profile);
        assert_int_equal(value.level, cases[i].level);
    }
    static const char *const wrong[] = {"",       "42e01",  "42e01f0", "42e0 f", "0x2e01",
                                        "-2e01f", "000000", "42e000",  "42e0ff", "42e11f",
                                        "58601f", "64010b", "64101f",  "43e01f", "4d201f"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct h264_profile_level value;
        if (h264_profile_parse(wrong[i], &value))
            fail_msg("taken: %s", wrong[i]);
    }
}

static void answers_carry_the_right_level(void **state)
{
    (void)state;
#define ID(text) "{'profile-level-id':'" text "'}"
#define ASYMMETRIC(text) "{'level-asymmetry-allowed':1,'profile-level-id':'" text "'}"
    static const struct {
        const char *local, *remote, *answer; /* NULL: no answer */
    } cases[] = {
        {"{}", "{}", ""},
        {ID("42e01f"), "{}", "42e01f"},
        {"{}", ID("42e015"), "42e015"},
        {ID("42c01f"), ID("42e015"), "42e015"},
        {ID("42e015"), ID("42e01f"), "42e015"},
        {ASYMMETRIC("42c01f"), ASYMMETRIC("42e015"), "42e01f"},
        {ASYMMETRIC("42e01f"), ID("42e015"), "42e015"},
        {"{'level-asymmetry-allowed':'1','profile-level-id':'42e01f'}", ASYMMETRIC("42e015"), "42e01f"},
        {ID("42e00b"), ID("42f00b"), "42f00b"}, /* 1b is below 1.1 */
        {ID("42e00a"), ID("42f00b"), "42e00a"}, /* and above 1 */
        {ID("4d0032"), ID("4d001f"), "4d001f"},
        {ID("640032"), ID("64001f"), "64001f"},
        {ID("640c32"), ID("640c1f"), "640c1f"},
        {ID("f40032"), ID("f4001f"), "f4001f"},
        {ID("420032"), ID("42001f"), "42001f"},
        {ID("4d0032"), ID("42e01f"), NULL},
        {ID("4d0032"), "{}", NULL},
        {ID("nonsns"), ID("42e01f"), NULL},
        {ID("42e01f"), "{'profile-level-id':5}", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        json_t *local = json_of(cases[i].local), *remote = json_of(cases[i].remote);
        char text[H264_PROFILE_TEXT_BYTES] = "before";
        assert_int_equal(h264_profile_answer(local, remote, text), cases[i].answer != NULL);
        assert_string_equal(text, cases[i].answer ? cases[i].answer : "before");
        json_decref(local);
        json_decref(remote);
    }
}

static void scalability_modes_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        unsigned spatial, temporal; /* 0: none */
    } cases[] = {
        {"L1T1", 1, 1},  {"L1T3", 1, 3},      {"L3T3", 3, 3},
        {"S2T1", 2, 1},  {"L3T2_KEY", 3, 2},  {"L2T2_KEY_SHIFT", 2, 2},
        {"L2T1h", 2, 1}, {"S3T3h", 3, 3},     {"L8T8", 8, 8},
        {"", 0, 0},      {"L", 0, 0},         {"L1", 0, 0},
        {"L1T", 0, 0},   {"L0T1", 0, 0},      {"L1T0", 0, 0},
        {"L9T1", 0, 0},  {"L1T9", 0, 0},      {"L10T1", 0, 0},
        {"M1T1", 0, 0},  {"l1t1", 0, 0},      {"L1T1x", 0, 0},
        {"L1T1_", 0, 0}, {"L1T1_KEYS", 0, 0}, {" L1T1", 0, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct scalability_mode mode = {0, 0};
        assert_int_equal(scalability_mode_parse(cases[i].text, &mode), cases[i].spatial != 0);
        assert_int_equal(mode.spatial_layers, cases[i].spatial);
        assert_int_equal(mode.temporal_layers, cases[i].temporal);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(profiles_are_told_by_idc_and_constraints),
        cmocka_unit_test(answers_carry_the_right_level),
        cmocka_unit_test(scalability_modes_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
