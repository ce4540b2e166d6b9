package dev.graft.page;

import dev.graft.events.Event;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The peak learning rate of a run: {@code optimizer.lr} of its recipe, else its name's {@code
 * -lr1e-3}.
 */
final class LearningRate {
  private static final Pattern IN_NAME =
      Pattern.compile("[-_]lr(\\d+(?:\\.\\d+)?(?:[eE][-+]?\\d+)?)(?![^-_])");

  private LearningRate() {}

  static OptionalDouble of(Series series, Optional<Event.Run> run) {
    Object optimizer = run.map(r -> r.recipe().get("optimizer")).orElse(null);
    if (optimizer instanceof Map<?, ?> keys && keys.get("lr") instanceof Number lr) {
      return OptionalDouble.of(lr.doubleValue());
    }
    Matcher name = IN_NAME.matcher(series.name());
    return name.find()
        ? OptionalDouble.of(Double.parseDouble(name.group(1)))
        : OptionalDouble.empty();
  }
}
