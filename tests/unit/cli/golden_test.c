/*
 * What people see: the built program run with each line of words below, in tests/golden/cli, and
 * all that it prints held against NAME.txt there. SALLYPORT_UPDATE_GOLDEN=1 writes the .txt files
 * anew: read the difference before committing it. JSON must also parse.
 */
#include <jansson.h>

#include "../golden.h"
#include "../skip.h"
#include "cli/arguments.h"

struct run {
	const char *name, *words;
	int status;
};

static const struct run s_usage[] = {
	{"usage", "", 2},
	{"help", "help", 0},
	{"help-run", "run --help", 0},
	{"help-rules", "help rules", 0},
	{"help-export", "help export", 0},
	{"help-catalog", "catalog --help", 0},
	{"help-import", "help import", 0},
	{"help-explain", "explain -h", 0},
	{"help-status", "status --help", 0},
	{"help-of-nothing", "help everything", 2},
	{"unknown-verb", "rule", 2},
	{"unknown-option", "rules --regoin=eastus", 2},
	{"missing-value", "rules --region", 2},
	{"bad-switch", "rules --private=maybe", 2},
	{"bad-output", "rules --region=eastus -o yaml", 2},
	{"too-many-operands", "rules eastus", 2},
	{"missing-operand", "explain --region=eastus", 2},
	{"bad-listen", "run --explicit=localhost", 2},
	{"no-gateway", "status --socket=none/admin.sock", 1},
	{"no-gateway-to-reload", "reload --socket=none/admin.sock", 1},
};

static const struct run s_rules[] = {
	{"rules", "rules --region=eastus", 0},
	{"rules-json", "rules --region=eastus -o json", 0},
	{"rules-profile",
	 "rules --region=eastus --konnectivity=no --recommended --pods-use-api-server-address "
	 "--api-server=x-1.hcp.eastus.azmk8s.io",
	 0},
	{"rules-correction", "rules -c custom-dns.yaml", 0},
	{"rules-without-corrections", "rules -c custom-dns.yaml --corrections=no", 0},
	{"rules-feature", "rules --cloud=public --region=eastus --feature=monitor", 0},
	{"rules-china",
	 "rules --cloud=china --region=chinaeast2 --feature=secrets-store-csi "
	 "--feature=managed-disks",
	 0},
	{"rules-china-to-the-letter", "rules --cloud=china --region=chinaeast2 --corrections=no",
	 0},
	{"rules-by-tag-without-file", "rules --region=eastus --feature=monitor-service-tag", 2},
	{"rules-file", "rules -c gateway.yaml", 0},
	{"rules-file-json", "rules -c gateway.yaml -o json", 0},
	{"rules-csv", "rules -c gateway.yaml -o csv", 0},
	{"rules-markdown", "rules -c gateway.yaml -o markdown", 0},
	{"rules-none", "rules -c none.yaml", 0},
	{"rules-without-region", "rules", 2},
	{"rules-bad-region", "rules --region=East_US", 2},
	{"rules-unknown-edition", "rules --region=eastus --edition=2020-01-01", 2},
	{"rules-unknown-cloud", "rules --region=eastus --cloud=moon", 2},
	{"rules-unknown-feature", "rules --region=eastus --feature=x --feature=x", 2},
	{"rules-bad-api-server", "rules --region=eastus --api-server=a..b", 2},
	{"rules-of-broken-file", "rules -c broken.yaml", 2},
	{"rules-without-tags", "rules --region=eastus --service-tags=absent.json", 2},
	{"rules-without-catalog", "rules --region=eastus --catalog=absent.yaml", 2},
};

static const struct run s_export[] = {
	{"export-nothing", "export --region=eastus", 2},
	{"export-unknown", "export fax --region=eastus", 2},
	{"export-table", "export table -c gateway.yaml", 0},
	{"export-nowhere", "export csv --region=eastus --write=none/rules.csv", 1},
	{"export-to-folder", "export csv --region=eastus --write=..", 1},
};

static const struct run s_import[] = {
	{"import-article", "import aks-article ../import/shapes.md", 0},
	{"import-article-unread", "import aks-article ../import/unread.md >/dev/null", 1},
	{"import-article-edition", "import aks-article ../import/shapes.md --edition=May", 2},
	{"import-no-article", "import aks-article gateway.yaml", 2},
	{"import-absent-file", "import aks-article absent.md", 2},
	{"import-folder", "import aks-article .", 2},
	{"import-unknown-kind", "import aks-artcle ../import/shapes.md", 2},
	{"import-without-file", "import aks-article", 2},
	{"import-aks-api", "import aks-api ../import/aks-answer.json", 0},
	{"import-aks-api-partial", "import aks-api ../import/aks-classic-tunnel.json >/dev/null",
	 1},
	{"import-aks-api-other-file", "import aks-api ../import/aks-other-file.json", 2},
	{"import-azure-firewall", "import azure-firewall ../import/azure-az-list.json", 0},
	{"import-azure-firewall-partial",
	 "import azure-firewall ../import/azure-classic.json >/dev/null", 1},
	{"import-azure-firewall-truncated", "import azure-firewall ../import/aks-truncated.json",
	 2},
};

static const struct run s_check[] = {
	{"check", "check -c gateway.yaml", 0},
	{"check-json", "check -c gateway.yaml -o json", 0},
	{"check-over-file", "check -c gateway.yaml --region=westus --konnectivity=no", 0},
	{"check-usgov", "check -c gateway.yaml --cloud=usgov --region=usgovvirginia", 0},
	{"check-of-profile-only", "check -c none.yaml", 2},
	{"check-of-broken-file", "check -c broken.yaml", 2},
	{"check-of-absent-file", "check -c absent.yaml", 2},
};

static const struct run s_catalog[] = {
	{"catalog-diff", "catalog diff 2024-05-20 2026-07-02", 1},
	{"catalog-diff-back", "catalog diff 2026-07-02 2024-05-20 --region=eastus", 0},
	{"catalog-diff-profile",
	 "catalog diff 2024-05-20 2026-07-02 --region=eastus --feature=monitor", 1},
	{"catalog-diff-markdown",
	 "catalog diff 2024-05-20 2026-07-02 --region=eastus --feature=monitor -o markdown", 1},
	{"catalog-diff-json",
	 "catalog diff 2024-05-20 2026-07-02 --region=eastus --feature=monitor -o json", 1},
	{"catalog-diff-nothing", "catalog diff 2026-07-02 2026-07-02", 0},
	{"catalog-diff-nothing-markdown", "catalog diff 2026-07-02 2026-07-02 -o markdown", 0},
	{"catalog-diff-config", "catalog diff gateway.yaml 2026-07-02", 0},
	{"catalog-diff-config-and-feature",
	 "catalog diff gateway.yaml 2026-07-02 --feature=gpu -o markdown", 1},
	{"catalog-diff-config-as-profile",
	 "catalog diff 2024-05-20 2026-07-02 -c gateway.yaml -o markdown", 1},
	{"catalog-diff-configs", "catalog diff custom-dns.yaml gateway.yaml", 0},
	{"catalog-diff-catalogue", "catalog diff ../catalog/good.yaml 2024-05-20 --region=eastus",
	 1},
	{"catalog-diff-broken-catalogue", "catalog diff 2024-05-20 ../catalog/edition.yaml", 2},
	{"catalog-diff-article", "catalog diff gateway.yaml article.md", 1},
	{"catalog-diff-article-markdown", "catalog diff gateway.yaml article.md -o markdown", 1},
	{"catalog-diff-unread", "catalog diff gateway.yaml unread.md", 1},
	{"catalog-diff-answer", "catalog diff gateway.yaml ../import/aks-answer.json", 1},
	{"catalog-diff-answer-without-profile", "catalog diff 2026-07-02 ../import/aks-answer.json",
	 2},
	{"catalog-diff-answers",
	 "catalog diff ../import/aks-classic-tunnel.json ../import/aks-answer.json", 1},
	{"catalog-diff-broken-answer", "catalog diff gateway.yaml ../import/aks-truncated.json", 2},
	{"catalog-diff-undated", "catalog diff gateway.yaml undated.md", 2},
	{"catalog-diff-dated", "catalog diff gateway.yaml undated.md --edition=2026-01-01", 0},
	{"catalog-diff-other-file", "catalog diff gateway.yaml answer.txt", 2},
	{"catalog-diff-absent-file", "catalog diff gateway.yaml absent.md", 2},
	{"catalog-diff-broken-file", "catalog diff broken.yaml 2026-07-02", 2},
	{"catalog-diff-unknown-edition", "catalog diff 2024-05-20 2024-05-21", 2},
	{"catalog-diff-unknown-profile",
	 "catalog diff 2024-05-20 2026-07-02 --cloud=moon --feature=x --region=East", 2},
	{"catalog-diff-without-profile", "catalog diff none.yaml 2026-07-02", 2},
	{"catalog-diff-missing-operand", "catalog diff 2024-05-20", 2},
	{"catalog-other-word", "catalog show 2024-05-20 2026-07-02", 2},
};

static const struct run s_explain[] = {
	{"explain", "explain --region=eastus mcr.microsoft.com", 0},
	{"explain-json", "explain --region=eastus mcr.microsoft.com -o json", 0},
	{"explain-wildcard", "explain --region=eastus WestEurope.data.mcr.microsoft.com.", 0},
	{"explain-apex", "explain --region=eastus data.mcr.microsoft.com", 1},
	{"explain-apex-json", "explain --region=eastus data.mcr.microsoft.com -o json", 1},
	{"explain-other", "explain --region=eastus evil.example", 1},
	{"explain-other-region", "explain --region=eastus a-1.hcp.westus.azmk8s.io", 1},
	{"explain-http", "explain --region=eastus mcr.microsoft.com:80", 1},
	{"explain-ssh", "explain --region=eastus mcr.microsoft.com:22", 1},
	{"explain-address", "explain --region=eastus 203.0.113.9", 1},
	{"explain-v6", "explain --region=eastus [2001:db8::9]:443", 1},
	{"explain-via", "explain --region=eastus mcr.microsoft.com --via=203.0.113.9", 0},
	{"explain-via-private", "explain --region=eastus mcr.microsoft.com --via=10.0.0.9", 1},
	{"explain-via-special", "explain --region=eastus mcr.microsoft.com --via=169.254.169.254",
	 1},
	{"explain-quic", "explain --region=eastus -p quic mcr.microsoft.com", 1},
	{"explain-no-sni", "explain --region=eastus --hello=no-sni mcr.microsoft.com", 1},
	{"explain-ech", "explain --region=eastus --hello=ech mcr.microsoft.com", 0},
	{"explain-hello-unknown", "explain --region=eastus --hello=x mcr.microsoft.com", 2},
	{"explain-hello-http", "explain --region=eastus -p http --hello=ech mcr.microsoft.com", 2},
	{"explain-dns", "explain --region=eastus -p dns mcr.microsoft.com", 0},
	{"explain-dns-wildcard", "explain --region=eastus -p dns eastus.data.mcr.microsoft.com", 0},
	{"explain-dns-other", "explain --region=eastus -p dns evil.example -o json", 1},
	{"explain-network", "explain -c gateway.yaml 198.51.100.17:5432", 0},
	{"explain-network-name", "explain -c gateway.yaml time.example.com:123 -p udp", 0},
	{"explain-denying-rule", "explain -c gateway.yaml bin.paste.example", 1},
	{"explain-rule-of-others", "explain -c gateway.yaml example.com --source=10.42.9.9", 1},
	{"explain-unprotected", "explain -c gateway.yaml mcr.microsoft.com --source=192.0.2.1", 1},
	{"explain-url", "explain --region=eastus https://mcr.microsoft.com/v2/", 2},
	{"explain-nothing", "explain --region=eastus ''", 2},
	{"explain-pattern", "explain --region=eastus '*.example.com'", 2},
	{"explain-prefix", "explain --region=eastus 10.0.0.0/8", 2},
	{"explain-bad-port", "explain --region=eastus mcr.microsoft.com:99999", 2},
	{"explain-no-port", "explain --region=eastus mcr.microsoft.com -p tcp", 2},
	{"explain-bad-protocol", "explain --region=eastus mcr.microsoft.com -p gopher", 2},
	{"explain-bad-source", "explain --region=eastus mcr.microsoft.com --source=me", 2},
	{"explain-bad-via", "explain --region=eastus mcr.microsoft.com --via=there", 2},
	{"explain-address-via", "explain --region=eastus 203.0.113.9 --via=203.0.113.8", 2},
	{"explain-dns-address", "explain --region=eastus 203.0.113.9 -p dns", 2},
	{"explain-without-region", "explain mcr.microsoft.com", 2},
};

/* On a machine where sallyport is installed these would find its file. */
static const struct run s_without_file[] = {
	{"run-without-file", "run", 2},
	{"check-without-file", "check", 2},
};

static bool is_json(const struct text *text)
{
	json_t *json = json_loads(text_string(text), JSON_REJECT_DUPLICATES, NULL);

	json_decref(json);
	return json != NULL;
}

/* The golden file begins with the command, as on a terminal; standard output and error follow. */
static bool check(const struct run *run)
{
	cleanup(text_free) struct text heard = TEXT_EMPTY, whole = TEXT_EMPTY;
	int status = golden_run(run->words, "2>&1", &heard);
	char path[128];
	bool good = status == run->status;

	golden_hide_version(&heard);
	snprintf(path, sizeof(path), "%s.txt", run->name);
	text_addf(&whole, "$ sallyport%s%s\n%s", *run->words ? " " : "", run->words,
		  text_string(&heard));
	if (!good)
		print_message("# %s: exit status %d, not %d\n", run->name, status, run->status);
	if (strstr(run->words, "-o json") && status < 2 && !is_json(&heard)) {
		print_message("# %s: not JSON\n", run->name);
		good = false;
	}
	return golden_holds(path, &whole) && good;
}

static void check_all(const struct run *runs, size_t count)
{
	size_t wrong = 0;

	for (size_t i = 0; i < count; i++)
		wrong += !check(&runs[i]);
	assert_int_equal(wrong, 0);
}

#define CHECK_ALL(runs) check_all(runs, sizeof(runs) / sizeof((runs)[0]))

static void wrong_usage_is_told_and_help_is_given(void **state)
{
	(void)state;
	CHECK_ALL(s_usage);
}

static void rules_are_listed(void **state)
{
	(void)state;
	CHECK_ALL(s_rules);
}

static void rules_are_exported(void **state)
{
	(void)state;
	CHECK_ALL(s_export);
}

static void files_of_others_are_imported(void **state)
{
	(void)state;
	CHECK_ALL(s_import);
}

static void configurations_are_checked(void **state)
{
	(void)state;
	CHECK_ALL(s_check);
}

static void catalogues_are_compared(void **state)
{
	(void)state;
	CHECK_ALL(s_catalog);
}

static void verdicts_are_explained(void **state)
{
	(void)state;
	CHECK_ALL(s_explain);
}

static void without_a_file_it_is_said_what_to_name(void **state)
{
	(void)state;
	if (access(CLI_DEFAULT_CONFIG, F_OK) == 0)
		skip_because("this machine has " CLI_DEFAULT_CONFIG);
	CHECK_ALL(s_without_file);
}

/* Its DNS line is the machine's own. */
static void a_profile_alone_can_be_checked(void **state)
{
	cleanup(text_free) struct text heard = TEXT_EMPTY;

	(void)state;
	assert_int_equal(golden_run("check --region=eastus", "2>&1", &heard), 0);
	assert_non_null(strstr(text_string(&heard), "valid\ncluster: cloud public, region eastus"));
}

static void the_version_is_told(void **state)
{
	cleanup(text_free) struct text heard = TEXT_EMPTY;

	(void)state;
	assert_int_equal(golden_run("version", "2>&1", &heard), 0);
	assert_int_equal(golden_run("--version", "2>&1", &heard), 0);
	assert_string_equal(text_string(&heard),
			    "sallyport " SALLYPORT_VERSION "\nsallyport " SALLYPORT_VERSION "\n");
}

static void a_full_disk_is_a_failure(void **state)
{
	cleanup(text_free) struct text heard = TEXT_EMPTY;

	(void)state;
	if (access("/dev/full", W_OK) < 0)
		skip_because("there is no /dev/full");
	assert_int_equal(golden_run("rules --region=eastus >/dev/full", "2>&1", &heard), 1);
	assert_string_equal(text_string(&heard),
			    "sallyport: cannot write to standard output: No space left on "
			    "device\n");
}

static int enter_folder(void **state)
{
	(void)state;
	return golden_enter("cli");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wrong_usage_is_told_and_help_is_given),
		cmocka_unit_test(rules_are_listed),
		cmocka_unit_test(rules_are_exported),
		cmocka_unit_test(files_of_others_are_imported),
		cmocka_unit_test(configurations_are_checked),
		cmocka_unit_test(catalogues_are_compared),
		cmocka_unit_test(verdicts_are_explained),
		cmocka_unit_test(without_a_file_it_is_said_what_to_name),
		cmocka_unit_test(a_profile_alone_can_be_checked),
		cmocka_unit_test(the_version_is_told),
		cmocka_unit_test(a_full_disk_is_a_failure),
	};

	return cmocka_run_group_tests(tests, enter_folder, NULL);
}
