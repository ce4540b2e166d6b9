package dev.graft.demo;

import dev.graft.checkpoint.InvalidInputException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * What to compare.
 *
 * @param out folder to write; must not exist or be empty
 * @param seed of the corpus, of all fresh weights and of the order of the data
 * @param from a dense checkpoint to continue; empty: one is trained on the demo's own corpus
 * @param texts .txt or .jsonl files to continue {@code from} on
 * @param steps of each arm; empty: the recipe's own
 * @param learningRate peak of each arm; empty: the recipe's own
 */
public record DemoOptions(
    Path out,
    long seed,
    Optional<Path> from,
    List<Path> texts,
    Optional<Integer> steps,
    Optional<Double> learningRate) {
  public DemoOptions {
    texts = List.copyOf(texts);
    if (from.isPresent() && texts.isEmpty()) {
      throw new InvalidInputException(
          "--from " + from.get() + " needs text to go on with; add --text FILES");
    }
    if (from.isEmpty() && !texts.isEmpty()) {
      throw new InvalidInputException(
          "--text " + texts.getFirst() + " needs a model that goes on with it; add --from DIR");
    }
    if (steps.isPresent() && steps.get() < 1) {
      throw new InvalidInputException("--steps is " + steps.get() + "; it must be at least 1");
    }
    if (learningRate.isPresent()
        && (!(learningRate.get() > 0) || Double.isInfinite(learningRate.get()))) {
      throw new InvalidInputException(
          "--lr is " + learningRate.get() + "; it must be a number above 0");
    }
  }
}
