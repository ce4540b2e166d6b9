package dev.graft.harness;

/** Hears how far an evaluation has come. */
public interface EvaluationListener {
  /** A task begins; {@code done} of its questions were answered by an earlier run. */
  void begin(String model, String task, int questions, int done);

  /** One more question is answered. */
  void answered();

  /** The task has ended. */
  void end();
}
