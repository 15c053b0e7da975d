"""What the measuring laboratory makes of its samples: medians, ratios, targets, the table, the chart.

usage: arithmetic_test.py SOURCE_ROOT
"""

import pathlib
import sys
import unittest
import xml.etree.ElementTree

sys.dont_write_bytecode = True
ROOT = pathlib.Path(sys.argv.pop(1) if len(sys.argv) > 1 else __file__).resolve()
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from bench import accounting, chart, report  # noqa: E402
from bench.arithmetic import AT_LEAST, AT_MOST, Measure, Samples, Target, quote  # noqa: E402
from bench.measures import DNS_ROWS, FLOW_ROWS, TARGETS, TLS_ROWS, WIRE_ROWS, last_words  # noqa: E402

RATE = Measure("rate", "bytes a second")
MEMORY = Measure("memory", "MiB", quote="beyond", digits=1)
OWN = Measure("own", "CPU s", quote="plain")
TO_PEER = Measure("rate", "bytes a second ÷ peer's", base="peer")
WAYS = [("plain", "plain forwarding"), ("ours", "sallyport, inspected"), ("peer", "HAProxy, tuned")]


def samples_of(numbers):
    """{measure: {way: [one a round]}} as Samples."""
    samples = Samples()
    for measure, ways in numbers.items():
        for way, rounds in ways.items():
            for number, value in enumerate(rounds):
                samples.add(way, measure, number, value)
    return samples


class Quotes(unittest.TestCase):
    def test_a_ratio_is_taken_within_each_round_and_then_the_median(self):
        # The machine slows down by ten from round to round; the ratio of neighbours does not.
        samples = samples_of({"rate": {"plain": [1000, 100, 10], "ours": [900, 80, 9]}})
        found = quote(samples, "ours", RATE, "plain")
        self.assertAlmostEqual(found.value, 0.9)
        self.assertAlmostEqual(found.lowest, 0.8)
        self.assertEqual(found.rounds, 3)

    def test_one_bad_round_does_not_move_the_median(self):
        samples = samples_of({"rate": {"plain": [100] * 5, "ours": [90, 91, 1, 92, 90]}})
        self.assertAlmostEqual(quote(samples, "ours", RATE, "plain").value, 0.9)

    def test_a_round_in_which_either_failed_is_left_out(self):
        samples = samples_of({"rate": {"plain": [100, None, 100], "ours": [50, 70, None]}})
        found = quote(samples, "ours", RATE, "plain")
        self.assertEqual((found.value, found.rounds), (0.5, 1))

    def test_rounds_are_paired_by_number_also_after_one_that_has_no_number(self):
        samples = Samples()
        samples.add("plain", "rate", 0, 100)
        samples.add("plain", "rate", 1, 10)
        samples.add("ours", "rate", 1, 9)  # its first round failed before it measured anything
        self.assertAlmostEqual(quote(samples, "ours", RATE, "plain").value, 0.9)

    def test_a_way_that_always_failed_has_no_quote(self):
        self.assertIsNone(quote(samples_of({"rate": {"plain": [1], "ours": [None]}}), "ours", RATE, "plain"))

    def test_what_is_beyond_the_base_is_a_difference(self):
        samples = samples_of({"memory": {"plain": [10, 12, 11], "ours": [14, 17, 15]}})
        self.assertEqual(quote(samples, "ours", MEMORY, "plain").value, 4)

    def test_a_number_of_its_own_needs_no_base(self):
        self.assertEqual(quote(samples_of({"own": {"ours": [0.1, 0.3, 0.2]}}), "ours", OWN, "plain").value, 0.2)


class Targets(unittest.TestCase):
    def test_a_target_is_met_at_its_limit(self):
        self.assertTrue(Target("rate", "ours", AT_LEAST, 0.95).is_met(0.95))
        self.assertFalse(Target("rate", "ours", AT_LEAST, 0.95).is_met(0.9499))
        self.assertTrue(Target("rate", "ours", AT_MOST, 2).is_met(2.0))
        self.assertFalse(Target("rate", "ours", AT_MOST, 2).is_met(2.001))

    def test_every_target_of_the_laboratory_belongs_to_a_row(self):
        rows = {report.target_key(row) for row in FLOW_ROWS + WIRE_ROWS + TLS_ROWS + DNS_ROWS}
        self.assertEqual([target for target in TARGETS if target.measure not in rows], [])


class Tables(unittest.TestCase):
    samples = samples_of({"rate": {"plain": [100], "ours": [96], "peer": [50]},
                          "own": {"ours": [0.5], "peer": [0.25]}})
    targets = (Target("rate", "ours", AT_LEAST, 0.95), Target("own", "ours", AT_MOST, 0.35),
               Target("rate ÷ peer", "ours", AT_LEAST, 2))

    def lines(self, *rows):
        return report.table(self.samples, rows, WAYS, self.targets).splitlines()

    def test_the_table_shows_ratios_marks_and_targets(self):
        self.assertEqual(self.lines(RATE, OWN, TO_PEER), [
            "                              plain  sallyport  HAProxy",
            "                         forwarding  inspected    tuned  target",
            "bytes a second                 1.00     0.96 ✓     0.50  ≥ 0.95",
            "CPU s                             –     0.50 ✗     0.25  ≤ 0.35",
            "bytes a second ÷ peer's        2.00     1.92 ✗     1.00  ≥ 2",
        ])

    def test_a_row_that_nobody_measured_is_not_shown(self):
        self.assertEqual(len(self.lines(RATE, MEMORY)), 3)

    def test_the_data_says_median_spread_and_verdict(self):
        entry, = report.quotes(self.samples, [RATE], WAYS, self.targets)
        self.assertEqual(entry["base"], "plain")
        self.assertEqual(entry["ways"]["ours"], {"median": 0.96, "lowest": 0.96, "highest": 0.96, "rounds": 1,
                                                 "target": "≥ 0.95", "met": True})

    def test_the_chart_is_well_formed_and_has_a_bar_for_every_ratio(self):
        entries = report.quotes(self.samples, [RATE, OWN, TO_PEER], WAYS, self.targets)
        drawn = xml.etree.ElementTree.fromstring(chart.draw("Flows & more", entries, WAYS))
        colours = set(chart.colours(WAYS).values())
        bars = [rect for rect in drawn.iter("{http://www.w3.org/2000/svg}rect")
                if rect.get("fill") in colours and rect.get("height") == str(chart.BAR)]
        self.assertEqual(len(bars), 6)  # two ratios, three ways each; not the plain number
        self.assertIn("Flows & more", [text.text for text in drawn.iter("{http://www.w3.org/2000/svg}text")])


class Accounting(unittest.TestCase):
    def test_idle_and_stolen_time_is_not_the_machines_work(self):
        ticks = accounting._TICKS
        fields = " ".join(str(ticks * seconds) for seconds in (1, 2, 3, 100, 200, 4, 5, 400, 0, 0))
        self.assertEqual(accounting.machine_seconds(f"cpu  {fields}\ncpu0 …"), 15)

    def test_the_kernels_memory_is_of_objects_in_use(self):
        text = "slabinfo - version: 2.1\n# name …\nTCP 10 14 2048 7 4 : tunables …\nfilp 3 9 256 16 1 : tunables …\n"
        self.assertEqual(accounting.kernel_bytes(text), 10 * 2048 + 3 * 256)

    def test_the_kernels_memory_of_files_is_not_a_ways(self):
        text = ("slabinfo - version: 2.1\n# name …\nproc_inode_cache 10 14 700 7 4 : tunables …\n"
                "sock_inode_cache 3 9 832 16 1 : tunables …\n")
        self.assertEqual(accounting.kernel_bytes(text), 3 * 832)

    def test_a_failure_is_told_by_its_error_and_not_by_what_came_after(self):
        self.assertEqual(last_words(RuntimeError("exit 1\nx.yaml: error: too long\nstopped\n")), "x.yaml: error: too long")
        self.assertEqual(last_words(RuntimeError("a\nb\n\n")), "b")


if __name__ == "__main__":
    unittest.main(verbosity=0)
