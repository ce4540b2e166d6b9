package dev.graft.cli;

import dev.graft.harness.Evaluation;
import dev.graft.sandbox.Limits;
import dev.graft.sandbox.Sandbox;
import dev.graft.score.CodeRunner;
import java.io.IOException;
import java.util.List;
import java.util.Optional;

/** The sandbox for programs that models write: made if a task needs it and the user allows it. */
final class CodeExecution implements AutoCloseable {
  private static final String RUNS_PROGRAMS = "pass_at_k";

  private final Optional<Sandbox> sandbox;

  private CodeExecution(Optional<Sandbox> sandbox) {
    this.sandbox = sandbox;
  }

  /**
   * Makes the sandbox before any model is asked.
   *
   * @throws dev.graft.checkpoint.InvalidInputException where none can be made
   */
  static CodeExecution of(List<Evaluation.Placed> tasks, boolean allowed) throws IOException {
    boolean needed =
        tasks.stream()
            .flatMap(placed -> placed.task().metrics().stream())
            .anyMatch(metric -> metric.name().equals(RUNS_PROGRAMS));
    return new CodeExecution(
        needed && allowed ? Optional.of(Sandbox.open(Limits.standard())) : Optional.empty());
  }

  Optional<CodeRunner> runner() {
    return sandbox.map(opened -> program -> opened.run(program).passed());
  }

  @Override
  public void close() throws IOException {
    if (sandbox.isPresent()) {
      sandbox.get().close();
    }
  }
}
