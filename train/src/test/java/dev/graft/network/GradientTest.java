package dev.graft.network;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.graft.checkpoint.Family;
import dev.graft.checkpoint.Gating;
import dev.graft.checkpoint.ModelSpec;
import dev.graft.checkpoint.MoeSpec;
import dev.graft.checkpoint.RopeScaling;
import dev.graft.checkpoint.RopeSpec;
import dev.graft.checkpoint.Safetensors;
import dev.graft.routing.RoutingStats;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Loss, routing statistics and every gradient of a 2-layer MoE against PyTorch's autograd; {@code
 * scripts/golden/moe_gradients.py} makes the values.
 */
class GradientTest {
  @BeforeAll
  static void start() {
    Libtorch.start(1, false);
  }

  static List<JsonNode> cases() throws Exception {
    List<JsonNode> all = new ArrayList<>();
    golden().get("cases").forEach(all::add);
    return all;
  }

  @ParameterizedTest
  @MethodSource("cases")
  void gradientsEqualPyTorch(JsonNode example) throws Exception {
    Precision precision =
        example.get("dtype").asString().equals("f64") ? Precision.F64 : Precision.F32;
    double tolerance = precision == Precision.F64 ? 1e-10 : 1e-5;
    ModelSpec spec = spec(example);
    try (Parameters parameters = weights(spec, precision)) {
      Network.Result result = step(spec, parameters, example, 0, 1);
      assertEquals(
          example.get("loss").asDouble(), result.lossSum() / result.counted(), tolerance * 10);
      for (int l = 0; l < result.routing().size(); l++) {
        compare(example.get("layers").get(l), result.routing().get(l), tolerance * 10);
      }
      assertGradients(parameters, example, tolerance);
    }
  }

  /** Recompute runs the same forward again: not one bit differs. */
  @ParameterizedTest
  @ValueSource(ints = {1, 2})
  void recomputeIsExact(int layers) throws Exception {
    JsonNode example = cases().getFirst();
    ModelSpec spec = spec(example);
    try (Parameters kept = weights(spec, Precision.F32);
        Parameters recomputed = weights(spec, Precision.F32)) {
      step(spec, kept, example, 0, 1);
      step(spec, recomputed, example, layers, 1);
      assertEquals(
          Arrays.toString(Libtorch.toDoubles(kept.flatGradients())),
          Arrays.toString(Libtorch.toDoubles(recomputed.flatGradients())));
    }
  }

  /** The same micro-batch twice, each weighing half, gives the gradients of one. */
  @Test
  void accumulationAddsUp() throws Exception {
    JsonNode example = cases().get(4);
    assertEquals("f64", example.get("dtype").asString());
    ModelSpec spec = spec(example);
    try (Parameters parameters = weights(spec, Precision.F64)) {
      step(spec, parameters, example, 0, 2);
      assertGradients(parameters, example, 1e-10);
    }
  }

  /** Frozen tensors get no gradient and the others the same as without freezing. */
  @Test
  void frozenWeightsHaveNoGradient() throws Exception {
    JsonNode example = cases().get(4);
    ModelSpec spec = spec(example);
    try (Parameters parameters =
        Parameters.zeros(
            spec, Precision.F64, n -> n.contains(".experts.") || n.contains("embed"))) {
      fill(parameters);
      step(spec, parameters, example, 0, 1);
      assertTrue(parameters.flatGradients().numel() < parameters.flatWeights().numel());
      assertGradients(parameters, example, 1e-10);
    }
  }

  private static Network.Result step(
      ModelSpec spec, Parameters parameters, JsonNode example, int recompute, int groups)
      throws Exception {
    OptionalDouble capacity =
        example.get("capacity_factor").isNull()
            ? OptionalDouble.empty()
            : OptionalDouble.of(example.get("capacity_factor").asDouble());
    NetworkOptions options =
        new NetworkOptions(capacity, example.get("z_loss").asDouble(), recompute);
    try (Network network = new Network(spec, parameters, options)) {
      JsonNode golden = golden();
      long[] ids = flat(golden.get("ids"));
      int length = golden.get("ids").get(0).size();
      MicroBatch batch =
          new MicroBatch(
              ids.length / length,
              length,
              ids,
              flat(golden.get("targets")),
              Optional.empty(),
              Optional.empty());
      double[] alpha = {
        golden.get("alpha").get(0).asDouble(), golden.get("alpha").get(1).asDouble()
      };
      Network.Result result = null;
      for (int g = 0; g < groups; g++) {
        result = network.forwardBackward(batch, 1.0 / (ids.length * groups), alpha, groups, g == 0);
      }
      return result;
    }
  }

  private static void assertGradients(Parameters parameters, JsonNode example, double tolerance)
      throws Exception {
    double[] ours = Libtorch.toDoubles(parameters.flatGradients());
    String name = example.get("name").asString();
    try (Safetensors golden = Safetensors.open(resource(example.get("gradients").asString()))) {
      for (Parameters.Stored stored : parameters.stored()) {
        if (!stored.trainable()) {
          continue;
        }
        MemorySegment data = golden.tensor(name + "/" + stored.name()).data();
        boolean wide = data.byteSize() == stored.elements() * 8;
        double largest = 0;
        double worst = 0;
        for (int i = 0; i < stored.elements(); i++) {
          double theirs =
              wide
                  ? data.get(ValueLayout.JAVA_DOUBLE_UNALIGNED, i * 8L)
                  : data.get(ValueLayout.JAVA_FLOAT_UNALIGNED, i * 4L);
          largest = Math.max(largest, Math.abs(theirs));
          worst = Math.max(worst, Math.abs(theirs - ours[Math.toIntExact(stored.offset()) + i]));
        }
        assertTrue(largest > 0, stored.name() + " has no gradient to compare");
        assertTrue(worst / largest <= tolerance, stored.name() + ": " + worst / largest);
      }
    }
  }

  private static void compare(JsonNode expected, RoutingStats stats, double tolerance) {
    assertEquals(expected.get("dropped").asLong(), stats.dropped());
    assertEquals(Arrays.toString(flat(expected.get("load"))), Arrays.toString(stats.load()));
    assertEquals(expected.get("aux_loss").asDouble(), stats.auxLoss(), tolerance);
    assertEquals(expected.get("z_loss").asDouble(), stats.zLoss(), tolerance * 10);
    assertEquals(expected.get("entropy").asDouble(), stats.entropy() / stats.tokens(), tolerance);
    double first = expected.get("max1_over_max2").asDouble();
    double second = expected.get("max2_over_max3").asDouble();
    assertEquals(first, stats.max1OverMax2() / stats.tokens(), first * tolerance);
    assertEquals(second, stats.max2OverMax3() / stats.tokens(), second * tolerance);
  }

  private static ModelSpec spec(JsonNode example) throws Exception {
    JsonNode s = golden().get("shape");
    return new ModelSpec(
        Family.SKYWORK_MOE,
        s.get("vocab_size").asInt(),
        s.get("hidden_size").asInt(),
        s.get("intermediate_size").asInt(),
        s.get("num_hidden_layers").asInt(),
        s.get("num_attention_heads").asInt(),
        s.get("num_key_value_heads").asInt(),
        s.get("head_dim").asInt(),
        s.get("rms_norm_eps").asDouble(),
        new RopeSpec(s.get("rope_theta").asDouble(), new RopeScaling.None()),
        s.get("max_position_embeddings").asInt(),
        example.get("tied").asBoolean(),
        false,
        false,
        false,
        false,
        OptionalInt.empty(),
        0.02,
        Optional.of(
            new MoeSpec(
                s.get("num_experts").asInt(),
                s.get("num_experts_per_tok").asInt(),
                Gating.valueOf(example.get("gating").asString().toUpperCase(Locale.ROOT)),
                example.get("gate_norm_std").asDouble())));
  }

  private static Parameters weights(ModelSpec spec, Precision precision) throws Exception {
    Parameters parameters = Parameters.zeros(spec, precision, _ -> false);
    fill(parameters);
    return parameters;
  }

  private static void fill(Parameters parameters) throws Exception {
    MemorySegment memory = Libtorch.memory(parameters.flatWeights());
    try (Safetensors stored = Safetensors.open(resource("moe-weights.safetensors"))) {
      for (Parameters.Stored part : parameters.stored()) {
        float[] values = stored.tensor(part.name()).toFloats();
        for (int i = 0; i < values.length; i++) {
          if (parameters.precision().stream() == ScalarType.Double) {
            memory.setAtIndex(ValueLayout.JAVA_DOUBLE, part.offset() + i, values[i]);
          } else {
            memory.setAtIndex(ValueLayout.JAVA_FLOAT, part.offset() + i, values[i]);
          }
        }
      }
    }
  }

  private static long[] flat(JsonNode node) {
    List<Long> values = new ArrayList<>();
    for (JsonNode entry : node) {
      if (entry.isArray()) {
        entry.forEach(v -> values.add(v.asLong()));
      } else {
        values.add(entry.asLong());
      }
    }
    return values.stream().mapToLong(Long::longValue).toArray();
  }

  private static JsonNode golden() throws IOException, URISyntaxException {
    return JsonMapper.shared().readTree(Files.readString(resource("moe-cases.json")));
  }

  private static Path resource(String name) throws URISyntaxException {
    return Path.of(GradientTest.class.getResource("/golden/" + name).toURI());
  }
}
