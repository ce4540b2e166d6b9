package dev.graft.cli;

import dev.graft.harness.EvaluationListener;
import java.util.Optional;
import java.util.OptionalLong;

/** Shows how far an evaluation has come. */
final class EvalProgress implements EvaluationListener, AutoCloseable {
  private static final Progress.Unit QUESTIONS = new Progress.Unit("questions", 1);

  private Optional<Progress> progress = Optional.empty();

  @Override
  public void begin(String model, String task, int questions, int done) {
    progress =
        questions == done
            ? Optional.empty()
            : Optional.of(
                Progress.of(model + ", " + task, QUESTIONS, done, OptionalLong.of(questions)));
  }

  @Override
  public void answered() {
    progress.ifPresent(p -> p.add(1));
  }

  @Override
  public void end() {
    close();
  }

  @Override
  public void close() {
    progress.ifPresent(Progress::close);
    progress = Optional.empty();
  }
}
