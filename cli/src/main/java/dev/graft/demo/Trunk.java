package dev.graft.demo;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * The intermediate checkpoint that the arms go on from, and their data.
 *
 * @param checkpoint a dense Hugging Face directory
 * @param tokens prefix of the training tokens of every arm
 * @param validation prefix of the held-out tokens
 * @param prompts what samples start with
 * @param overrides of the recipe, for every arm
 * @param grown what only the demo's own corpus and model have
 */
record Trunk(
    Path checkpoint,
    Path tokens,
    Path validation,
    List<String> prompts,
    List<String> overrides,
    Optional<Grown> grown) {
  Trunk {
    prompts = List.copyOf(prompts);
    overrides = List.copyOf(overrides);
  }

  /** The demo's own: the corpus, and the run that made the checkpoint. */
  record Grown(Corpus corpus, RunOutcome pretraining) {}
}
