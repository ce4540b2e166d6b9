package dev.graft.demo;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * What a demo found.
 *
 * @param pretraining the dense model's first part; empty where the model was given
 * @param denseContinued the dense model, continued
 * @param upcycled the same model as experts
 * @param fromScratch experts of fresh weights
 * @param floor the validation loss of a reader who knows the grammar; empty for real text
 * @param summary {@code summary.json}
 * @param report {@code report.html}
 */
public record DemoResult(
    Optional<RunOutcome> pretraining,
    RunOutcome denseContinued,
    RunOutcome upcycled,
    RunOutcome fromScratch,
    OptionalDouble floor,
    Path summary,
    Path report) {
  /** The three arms of one budget. */
  public List<RunOutcome> arms() {
    return List.of(denseContinued, upcycled, fromScratch);
  }

  /** Whether the experts ended below the dense model they came from. */
  public boolean upcyclingHelped() {
    return upcycled.validationLoss() < denseContinued.validationLoss();
  }
}
