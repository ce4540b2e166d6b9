package dev.graft.results;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.graft.score.Aggregation;
import dev.graft.score.Value;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class AveragesTest {
  private static Map<String, Estimate> part(double... values) {
    List<Value> list = Arrays.stream(values).mapToObj(Value::of).toList();
    return Map.of(
        "acc",
        new Estimate(
            Aggregation.MEAN.of(list), Aggregation.MEAN.standardError(list), values.length));
  }

  /**
   * lm_eval 0.4.13 of the same parts: {@code mean_stderr}, {@code pooled_sample_stderr}, {@code
   * unweighted_mean_stderr}.
   */
  @Test
  void standardErrorsAreLmEvaluationHarnesss() {
    List<Map<String, Estimate>> parts =
        List.of(part(1, 0, 1, 1), part(0, 0, 1, 0, 1, 1, 1), part(1, 0));
    assertEquals(0.25, parts.get(0).get("acc").standardError().orElseThrow(), 1e-15);
    assertEquals(0.20203050891044214, parts.get(1).get("acc").standardError().orElseThrow(), 1e-15);
    Estimate weighted = Averages.weighted(parts).get("acc");
    assertEquals(8 / 13.0, weighted.value(), 1e-15);
    assertEquals(0.15100396618035503, weighted.standardError().orElseThrow(), 1e-15);
    assertEquals(13, weighted.items());
    Estimate unweighted = Averages.unweighted(parts).get("acc");
    assertEquals((3 / 4.0 + 4 / 7.0 + 1 / 2.0) / 3, unweighted.value(), 1e-15);
    assertEquals(0.19813472591777662, unweighted.standardError().orElseThrow(), 1e-15);
  }
}
