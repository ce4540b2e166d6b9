package dev.graft.task;

import dev.graft.checkpoint.InvalidInputException;
import dev.graft.data.Doc;
import java.nio.file.Path;
import java.util.List;

/** Which records stand as examples before a question. Asked in the order of the questions. */
@FunctionalInterface
interface Examples {
  /** No examples. */
  Examples NONE = doc -> List.of();

  /** Those before a question. */
  List<Doc> before(Doc question);

  /**
   * Examples by a rule.
   *
   * @param file that they are from, for errors
   * @param pool all records of it
   * @param shots how many each question gets
   * @param same whether the questions are from the same file; none is its own example
   */
  static Examples of(Task.Sampler sampler, Path file, List<Doc> pool, int shots, boolean same) {
    int needed = shots + (same ? 1 : 0);
    if (pool.size() < needed) {
      throw new InvalidInputException(
          file
              + " has "
              + pool.size()
              + " examples, but "
              + needed
              + " are needed; give a smaller --shots");
    }
    return switch (sampler) {
      case FIRST_N ->
          question ->
              pool.stream()
                  .filter(doc -> !same || !doc.fields().equals(question.fields()))
                  .limit(shots)
                  .toList();
      case DEFAULT -> {
        PythonRandom random = new PythonRandom(PythonRandom.FEWSHOT_SEED);
        yield question -> {
          List<Doc> drawn = random.sample(pool, needed);
          return same
              ? drawn.stream()
                  .filter(doc -> !doc.fields().equals(question.fields()))
                  .limit(shots)
                  .toList()
              : drawn;
        };
      }
    };
  }
}
