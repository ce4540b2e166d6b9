package dev.graft.upcycle;

import dev.graft.checkpoint.Checkpoint;
import dev.graft.checkpoint.CheckpointWriter;
import dev.graft.checkpoint.DType;
import dev.graft.checkpoint.Encoder;
import dev.graft.checkpoint.InvalidInputException;
import dev.graft.checkpoint.ModelSpec;
import dev.graft.checkpoint.StoredTensor;
import dev.graft.checkpoint.TensorNames;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.LongConsumer;

/**
 * Makes an MoE directory of a dense one, streaming: a tensor at a time, unchanged ones file to
 * file.
 */
public final class Upcycle {
  private static final Map<String, String> EXPERT_TO_DENSE =
      Map.of("w1", "gate_proj", "w2", "down_proj", "w3", "up_proj");

  private final Checkpoint trunk;
  private final List<Checkpoint> sources;
  private final UpcycleOptions options;
  private final Map<Path, FileChannel> channels = new HashMap<>();
  private final Set<StoredTensor> checked = new LinkedHashSet<>();

  private Upcycle(Checkpoint trunk, List<Checkpoint> sources, UpcycleOptions options) {
    this.trunk = trunk;
    this.sources = sources;
    this.options = options;
  }

  /** Bytes that {@link #run} will write for a dense directory. */
  public static long outputBytes(Path dense, UpcycleOptions options) throws IOException {
    try (Checkpoint checkpoint = Checkpoint.open(dense)) {
      return new Upcycle(checkpoint, List.of(checkpoint), options)
          .declare().stream().mapToLong(CheckpointWriter.Declared::bytes).sum();
    }
  }

  /**
   * Writes the MoE.
   *
   * @param dense a dense Hugging Face directory
   * @param out must not exist or be empty
   * @param written hears of bytes as they are written
   * @throws InvalidInputException if the sources cannot be upcycled or do not fit each other
   */
  public static void run(Path dense, Path out, UpcycleOptions options, LongConsumer written)
      throws IOException {
    CheckpointWriter.requireFree(out);
    List<Checkpoint> opened = new ArrayList<>();
    try {
      opened.add(Checkpoint.open(dense));
      List<Checkpoint> sources = new ArrayList<>();
      for (Path source : options.expertSources()) {
        Checkpoint checkpoint = Checkpoint.open(source);
        opened.add(checkpoint);
        SourceMatch.require(opened.getFirst(), checkpoint);
        sources.add(checkpoint);
      }
      if (sources.isEmpty()) {
        sources.add(opened.getFirst());
      }
      new Upcycle(opened.getFirst(), sources, options).write(out, written);
    } finally {
      opened.forEach(Checkpoint::close);
    }
  }

  private void write(Path out, LongConsumer written) throws IOException {
    ModelSpec spec = trunk.spec();
    var config = MoeConfig.of(trunk, options);
    try (CheckpointWriter writer =
        CheckpointWriter.create(out, declare(), options.maxShardBytes())) {
      for (Map.Entry<String, List<Long>> entry : TensorNames.of(spec).entrySet()) {
        if (!entry.getKey().contains(".mlp.")) {
          copy(writer, entry.getKey(), trunk.tensor(entry.getKey()), written);
        }
      }
      for (int l = 0; l < spec.numHiddenLayers(); l++) {
        DType dtype = gateType(l);
        float[] gate = FreshGate.weights(spec, options.numExperts(), l, options.seed());
        writer.write(TensorNames.gate(l), Encoder.encode(gate, dtype));
        written.accept((long) gate.length * dtype.bytes());
        for (int e = 0; e < options.numExperts(); e++) {
          writeExpert(writer, l, e, written);
        }
      }
      writer.copyCompanions(trunk.directory());
      if (options.withModeling()) {
        ModelingFiles.write(writer, config);
      }
      writer.commit(config);
    } finally {
      for (FileChannel channel : channels.values()) {
        channel.close();
      }
    }
  }

  private void writeExpert(CheckpointWriter writer, int layer, int expert, LongConsumer written)
      throws IOException {
    Checkpoint source = sources.get(expert % sources.size());
    if (!options.diversifies()) {
      for (Map.Entry<String, String> part : EXPERT_TO_DENSE.entrySet()) {
        copy(
            writer,
            TensorNames.expert(layer, expert, part.getKey()),
            dense(source, layer, part.getValue()),
            written);
      }
      return;
    }
    ExpertWeights weights =
        ExpertWeights.of(
            dense(source, layer, "gate_proj"),
            dense(source, layer, "up_proj"),
            dense(source, layer, "down_proj"),
            options,
            layer,
            expert);
    for (Map.Entry<String, float[]> part :
        Map.of("w1", weights.gate(), "w3", weights.up(), "w2", weights.down()).entrySet()) {
      DType dtype = dense(source, layer, EXPERT_TO_DENSE.get(part.getKey())).dtype();
      writer.write(
          TensorNames.expert(layer, expert, part.getKey()), Encoder.encode(part.getValue(), dtype));
      written.accept((long) part.getValue().length * dtype.bytes());
    }
  }

  private static StoredTensor dense(Checkpoint source, int layer, String which) {
    return source.tensor(TensorNames.feedForward(layer, which) + ".weight");
  }

  private DType gateType(int layer) {
    return dense(trunk, layer, "gate_proj").dtype();
  }

  private void copy(CheckpointWriter writer, String name, StoredTensor from, LongConsumer written)
      throws IOException {
    if (checked.add(from)) {
      from.requireFinite();
    }
    FileChannel channel = channels.get(from.file());
    if (channel == null) {
      channel = FileChannel.open(from.file(), StandardOpenOption.READ);
      channels.put(from.file(), channel);
    }
    writer.copy(name, from, channel);
    written.accept(from.bytes());
  }

  /** Every tensor of the result, in the order of the layers. */
  private List<CheckpointWriter.Declared> declare() {
    MoeConfig.requireDense(trunk);
    List<CheckpointWriter.Declared> declared = new ArrayList<>();
    ModelSpec spec = trunk.spec();
    for (Map.Entry<String, List<Long>> entry : TensorNames.of(spec).entrySet()) {
      if (!entry.getKey().contains(".mlp.")) {
        declared.add(
            new CheckpointWriter.Declared(
                entry.getKey(), trunk.tensor(entry.getKey()).dtype(), entry.getValue()));
      }
    }
    for (int l = 0; l < spec.numHiddenLayers(); l++) {
      declared.add(
          new CheckpointWriter.Declared(
              TensorNames.gate(l),
              gateType(l),
              List.of((long) options.numExperts(), (long) spec.hiddenSize())));
      for (int e = 0; e < options.numExperts(); e++) {
        for (String which : List.of("w1", "w2", "w3")) {
          StoredTensor from = dense(sources.get(e % sources.size()), l, EXPERT_TO_DENSE.get(which));
          declared.add(
              new CheckpointWriter.Declared(
                  TensorNames.expert(l, e, which), from.dtype(), from.shape()));
        }
      }
    }
    return declared;
  }
}
