package dev.graft.demo;

import dev.graft.page.Finding;
import dev.graft.page.PageContent;
import dev.graft.page.Paragraph;
import dev.graft.page.ReportPage;
import dev.graft.page.Series;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** {@code report.html}: what was chosen, what was found, and the runs. */
final class DemoReport {
  private DemoReport() {}

  static void write(DemoResult result, DemoOptions options, Trunk trunk) throws IOException {
    List<Paragraph> introduction = new ArrayList<>();
    introduction.add(Paragraph.of(question(result)));
    introduction.add(
        Paragraph.titled(
            "What was chosen",
            trunk.grown().isPresent()
                ? chosen(trunk.grown().get(), result)
                : "The model is "
                    + trunk.checkpoint()
                    + "; the text is "
                    + options.texts()
                    + ", every "
                    + GivenText.HELD_OUT
                    + "th document of it held out. All runs have the same schedule. Whether the"
                    + " experts win here is an open question of model, text and budget."));
    List<Series> runs = new ArrayList<>();
    for (RunOutcome arm : result.arms()) {
      runs.add(Series.named(arm.name(), arm.folder()));
    }
    result.pretraining().ifPresent(dense -> runs.add(Series.named(dense.name(), dense.folder())));
    ReportPage.write(
        new PageContent("Upcycled or from scratch", introduction, runs, findings(result, options)),
        result.report());
  }

  private static String question(DemoResult result) {
    return String.format(
        Locale.ROOT,
        "A dense model has been trained for a while. Is a budget of %,d more tokens better spent on"
            + " going on with it, on turning its feed-forward layers into experts and going on with"
            + " those, or on experts of fresh weights? The three runs see the same tokens in the"
            + " same order under the same schedule, and start with a fresh optimiser. Equal tokens"
            + " are not equal compute: an upcycled token costs more, see the curves against compute.",
        result.upcycled().tokens());
  }

  private static String chosen(Trunk.Grown grown, DemoResult result) {
    Corpus corpus = grown.corpus();
    Lexicon lexicon = corpus.world().lexicon();
    return String.format(
        Locale.ROOT,
        "The corpus was made for this question: capacity is what it is about. A grammar tells, of"
            + " %d places, which words follow which: %,d facts, drawn at random, so that each must"
            + " be stored on its own. Every document is new and none is seen twice, so that nothing"
            + " can be overfitted. The dense model (%,d parameters) is too small to hold the facts;"
            + " the experts (%,d) have more room. On a corpus that a dense model can learn whole,"
            + " experts would gain less or nothing.%n%n"
            + "No model can be expected to reach less than %.4f nats, the loss of a reader who knows"
            + " all facts and every sentence from its start. The dense model stood at %.4f when the"
            + " checkpoint was taken, at a constant learning rate; part of what every run gains"
            + " after that comes from the decay of the learning rate.%n%n"
            + "Read as statements about the world, the samples below are right so often: %s.",
        lexicon.places().size(),
        corpus.world().facts(),
        result.denseContinued().parameters(),
        result.upcycled().parameters(),
        corpus.floor(),
        grown.pretraining().validationLoss(),
        FactCheck.sentence(corpus.world(), result.arms()));
  }

  private static List<Finding> findings(DemoResult result, DemoOptions options) {
    List<Finding> findings = new ArrayList<>();
    findings.add(
        finding(
            "At equal tokens, the upcycled experts end below the dense model continued.",
            result.upcycled(),
            result.denseContinued(),
            options));
    equalCompute(result).ifPresent(findings::add);
    findings.add(
        finding(
            "At equal tokens, the upcycled experts end below experts from scratch.",
            result.upcycled(),
            result.fromScratch(),
            options));
    return findings;
  }

  /**
   * The upcycled run where the dense run's compute ends: ahead of its own decay, so a hard test.
   */
  private static Optional<Finding> equalCompute(DemoResult result) {
    RunOutcome dense = result.denseContinued();
    return result
        .upcycled()
        .within(dense.flops())
        .map(validation ->
            new Finding(
                "At the dense run's compute, before its own learning rate has decayed, the"
                    + " upcycled run is already below where the dense run ends.",
                validation.loss() < dense.validationLoss()
                    ? Finding.Verdict.HOLDS
                    : Finding.Verdict.DOES_NOT_HOLD,
                String.format(
                    Locale.ROOT,
                    "Validation loss %.4f after %,d tokens, against %.4f after %,d; %.0f GFLOP"
                        + " in all for the dense run, %.0f for the upcycled run to its end.",
                    validation.loss(),
                    validation.tokens(),
                    dense.validationLoss(),
                    dense.tokens(),
                    dense.flops() * 1e-9,
                    result.upcycled().flops() * 1e-9)));
  }

  private static Finding finding(
      String statement, RunOutcome lower, RunOutcome higher, DemoOptions options) {
    return new Finding(
        statement,
        lower.validationLoss() < higher.validationLoss()
            ? Finding.Verdict.HOLDS
            : Finding.Verdict.DOES_NOT_HOLD,
        String.format(
            Locale.ROOT,
            "Validation loss %.4f against %.4f nats after %,d tokens each; one run each, seed %d."
                + " Other seeds: graft demo --seed.",
            lower.validationLoss(),
            higher.validationLoss(),
            lower.tokens(),
            options.seed()));
  }
}
