package dev.graft.demo;

import dev.graft.events.Event;
import dev.graft.events.RunEvents;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * How one run ended, from its events.
 *
 * @param name of the run
 * @param folder of the run
 * @param checkpoint its last one
 * @param parameters stored
 * @param tokens trained on
 * @param validationLoss mean cross entropy in nats at the end
 * @param validations all of them, in order
 * @param flopsPerToken training FLOPs of one token
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
    List<Event.Validation> validations,
    double flopsPerToken,
    double seconds,
    List<String> samples) {
  public RunOutcome {
    validations = List.copyOf(validations);
    samples = List.copyOf(samples);
  }

  static RunOutcome of(String name, Path folder, Path checkpoint) {
    RunEvents events = RunEvents.read(folder);
    Event.Run run = events.run().orElseThrow();
    List<Event.Step> steps = events.of(Event.Step.class);
    List<Event.Validation> validations = events.of(Event.Validation.class);
    return new RunOutcome(
        name,
        folder,
        checkpoint,
        ((Number) run.model().get("parameters")).longValue(),
        steps.getLast().tokens(),
        validations.getLast().loss(),
        validations,
        run.flopsPerToken(),
        steps.stream().mapToDouble(Event.Step::seconds).sum(),
        events.of(Event.Sample.class).stream().map(Event.Sample::text).toList());
  }

  /** FLOPs of the whole run. */
  double flops() {
    return tokens * flopsPerToken;
  }

  /** The last validation that no more than so much compute led to. */
  Optional<Event.Validation> within(double flops) {
    return validations.stream()
        .filter(validation -> validation.tokens() * flopsPerToken <= flops)
        .reduce((_, later) -> later);
  }
}
