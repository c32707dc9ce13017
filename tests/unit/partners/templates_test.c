/* SPDX-License-Identifier: MIT
 *
 * The built-in templates, and a folder that replaces some of them.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../suite.h"
#include "reeyo/partners/templates.h"

static struct arena_pool *pool;
static struct arena *arena;
static char dir[64];

static void set_up(void)
{
	char path[128];

	pool = arena_pool_new(1 << 16);
	arena = arena_new(pool, 1 << 20);
	snprintf(dir, sizeof(dir), "/tmp/reeyo-templates-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	for (int i = 0; i < LANGUAGES; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, language_name((enum language)i));
		ck_assert_int_eq(mkdir(path, 0700), 0);
	}
}

static void tear_down(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -r %s", dir);
	ck_assert_int_eq(system(command), 0);
	arena_free(arena);
	arena_pool_free(pool);
}

static void put(const char *name, const char *text)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	fclose(file);
}

/* What templates_new writes to stderr when it fails. */
static const char *refusal(void)
{
	static char content[512];
	struct templates *templates;
	FILE *kept = tmpfile();
	int old = dup(2);
	size_t len;

	ck_assert_ptr_nonnull(kept);
	fflush(stderr);
	dup2(fileno(kept), 2);
	ck_assert_int_eq(templates_new(dir, &templates), E_CONFIG);
	fflush(stderr);
	dup2(old, 2);
	close(old);
	rewind(kept);
	len = fread(content, 1, sizeof(content) - 1, kept);
	content[len] = '\0';
	fclose(kept);
	return content;
}

START_TEST(every_message_has_a_text_in_both_languages)
{
	json_t *none = json_object();
	struct templates *templates;

	ck_assert_int_eq(templates_new("", &templates), 0);
	for (unsigned m = 0; m < MESSAGES; m++)
		for (unsigned c = 0; c < CHANNELS; c++)
			for (unsigned l = 0; l < LANGUAGES; l++) {
				struct rendered content = { NULL, NULL };
				int error = templates_render(
					templates, arena, m, c, l, none, &content);

				ck_assert_int_eq(
					error, message_has_channel(m, c) ? 0 : E_NOT_FOUND);
				if (!error && m != MESSAGE_BROADCAST)
					ck_assert_msg(strlen(content.body) > 15, "%s: %s",
						message_name(m), content.body);
			}
	templates_free(templates);
	json_decref(none);
}
END_TEST

/* With any other character a text message costs twice: only 70 instead of 160 characters fit into
 * one. */
START_TEST(text_messages_use_only_the_sms_alphabet)
{
	static const char *const others[] = { "à", "è", "é", "ù", "ì", "ò", "ä", "ö", "ü", "Ç", "É",
		NULL };
	json_t *none = json_object();
	struct templates *templates;

	ck_assert_int_eq(templates_new("", &templates), 0);
	for (unsigned m = 0; m < MESSAGES; m++)
		for (unsigned l = 0; l < LANGUAGES; l++) {
			struct rendered content;

			if (templates_render(templates, arena, m, CHANNEL_SMS, l, none, &content))
				continue;
			for (const char *c = content.body; *c; c++) {
				bool plain = (unsigned char)*c < 0x80 && !strchr("^{}\\[]~|`", *c);

				for (unsigned i = 0; !plain && others[i]; i++)
					if (strncmp(c, others[i], 2) == 0) {
						plain = true;
						c++;
					}
				ck_assert_msg(
					plain, "%s/%s: %s", language_name(l), message_name(m), c);
			}
			ck_assert_uint_le(text_length(text_of(content.body)), 160);
		}
	templates_free(templates);
	json_decref(none);
}
END_TEST

START_TEST(a_folder_replaces_built_in_templates)
{
	struct templates *templates;
	struct rendered content;
	json_t *params = json_pack("{ss}", "code", "123456");

	put("en/code.sms", "Code {code}!\n");
	put("fr/code.sms", "Le code {code} !\n");
	put("fr/code.sms~", "left by an editor");
	ck_assert_int_eq(templates_new(dir, &templates), 0);
	ck_assert_int_eq(templates_render(templates, arena, MESSAGE_CODE, CHANNEL_SMS, LANGUAGE_FR,
				 params, &content),
		0);
	ck_assert_str_eq(content.body, "Le code 123456 !");
	ck_assert_int_eq(templates_render(templates, arena, MESSAGE_CODE, CHANNEL_MAIL, LANGUAGE_FR,
				 params, &content),
		0);
	ck_assert_str_eq(content.title, "Votre code Reeyo");
	templates_free(templates);
	json_decref(params);
}
END_TEST

START_TEST(a_mistake_in_a_folder_is_refused_with_the_file_and_the_word)
{
	put("en/code.sms", "Code {cude}!\n");
	ck_assert_ptr_nonnull(strstr(refusal(), "/en/code.sms: the message has no word cude"));
	put("en/code.sms", "Code {code}!\n");
	ck_assert_ptr_nonnull(strstr(refusal(), "/fr/code.sms: this template is missing"));
	put("fr/code.sms", "Code {code} !\n");
	put("fr/cod.sms", "Code {code} !\n");
	ck_assert_ptr_nonnull(strstr(refusal(), "/fr/cod.sms: there is no such message"));
}
END_TEST

START_TEST(a_folder_without_a_language_is_refused)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/fr", dir);
	ck_assert_int_eq(rmdir(path), 0);
	ck_assert_ptr_nonnull(strstr(refusal(), "/fr: "));
	ck_assert_int_eq(mkdir(path, 0700), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("templates");
	TCase *tests = tcase_create("templates");

	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, every_message_has_a_text_in_both_languages);
	tcase_add_test(tests, text_messages_use_only_the_sms_alphabet);
	tcase_add_test(tests, a_folder_replaces_built_in_templates);
	tcase_add_test(tests, a_mistake_in_a_folder_is_refused_with_the_file_and_the_word);
	tcase_add_test(tests, a_folder_without_a_language_is_refused);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
