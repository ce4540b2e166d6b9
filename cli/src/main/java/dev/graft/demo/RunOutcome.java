package dev.graft.demo;

import dev.graft.events.Event;
import dev.graft.events.RunEvents;
import java.nio.file.Path;
import java.util.List;

/**
 * How one run ended, from its events.
 *
 * @param name of the run
 * @param folder of the run
 * @param checkpoint its last one
 * @param parameters stored
 * @param tokens trained on
 * @param validationLoss mean cross entropy in nats at the end
 * @param seconds wall time of its steps
 * @param samples prompt and continuation
 */
public record RunOutcome(
    String name,
    Path folder,
    Path checkpoint,
    long parameters,
    long tokens,
    double validationLoss,
    double seconds,
    List<String> samples) {
  public RunOutcome {
    samples = List.copyOf(samples);
  }

  static RunOutcome of(String name, Path folder, Path checkpoint) {
    RunEvents events = RunEvents.read(folder);
    Object parameters = events.run().orElseThrow().model().get("parameters");
    return new RunOutcome(
        name,
        folder,
        checkpoint,
        ((Number) parameters).longValue(),
        events.of(Event.Step.class).getLast().tokens(),
        events.of(Event.Validation.class).getLast().loss(),
        events.of(Event.Step.class).stream().mapToDouble(Event.Step::seconds).sum(),
        events.of(Event.Sample.class).stream().map(Event.Sample::text).toList());
  }
}
