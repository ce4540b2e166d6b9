package dev.graft.loop;

import dev.graft.checkpoint.Checkpoint;
import dev.graft.checkpoint.CheckpointWriter;
import dev.graft.checkpoint.DType;
import dev.graft.checkpoint.InvalidInputException;
import dev.graft.checkpoint.Safetensors;
import dev.graft.network.Libtorch;
import dev.graft.network.Parameters;
import dev.graft.text.TokenizerFiles;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * A checkpoint of a run: a Hugging Face directory with the weights in the stream's precision, and
 * beside them {@code optimizer.safetensors} (the moments under the names of their weights) and
 * {@code trainer_state.json}.
 */
final class TrainingCheckpoint {
  private static final String OPTIMIZER = "optimizer.safetensors";
  private static final String STATE = "trainer_state.json";
  private static final long MAX_SHARD_BYTES = 5_000_000_000L;

  private TrainingCheckpoint() {}

  /**
   * Writes one; it takes its name when it is whole.
   *
   * @param config of the model
   * @param companions directory that the tokenizer is copied from
   */
  static void save(
      Path directory,
      Parameters parameters,
      AdamW optimizer,
      TrainerState state,
      ObjectNode config,
      Optional<Path> companions)
      throws IOException {
    boolean wide = parameters.precision().stream() == ScalarType.Double;
    DType dtype = wide ? DType.F64 : DType.F32;
    List<CheckpointWriter.Declared> weights = new ArrayList<>();
    List<CheckpointWriter.Declared> moments = new ArrayList<>();
    for (Parameters.Stored stored : parameters.stored()) {
      weights.add(new CheckpointWriter.Declared(stored.name(), dtype, stored.shape()));
      if (stored.trainable()) {
        moments.add(
            new CheckpointWriter.Declared(stored.name() + ".exp_avg", dtype, stored.shape()));
        moments.add(
            new CheckpointWriter.Declared(stored.name() + ".exp_avg_sq", dtype, stored.shape()));
      }
    }
    if (Files.isDirectory(directory)) {
      CheckpointWriter.deleteTree(directory);
    }
    try (PointerScope _ = new PointerScope();
        CheckpointWriter writer = CheckpointWriter.create(directory, weights, MAX_SHARD_BYTES)) {
      // The tensors themselves where they are on the CPU already.
      Tensor flat = parameters.flatWeights().cpu();
      Tensor first = optimizer.firstMoment().cpu();
      Tensor second = optimizer.secondMoment().cpu();
      for (Parameters.Stored stored : parameters.stored()) {
        writer.write(stored.name(), part(flat, stored, dtype));
      }
      Safetensors.Writer out =
          Safetensors.create(writer.workDirectory().resolve(OPTIMIZER), moments);
      try (out) {
        for (Parameters.Stored stored : parameters.stored()) {
          if (stored.trainable()) {
            out.write(stored.name() + ".exp_avg", part(first, stored, dtype));
            out.write(stored.name() + ".exp_avg_sq", part(second, stored, dtype));
          }
        }
      }
      writer.writeFile(STATE, JsonMapper.shared().writeValueAsBytes(state));
      if (companions.isPresent()) {
        TokenizerFiles.copy(companions.get(), writer);
      }
      ObjectNode typed = config.deepCopy();
      typed.remove("quantization_config");
      typed.remove("dtype");
      typed.put("torch_dtype", wide ? "float64" : "float32");
      writer.commit(typed);
    }
  }

  /** Reads weights and moments back; bit for bit. */
  static TrainerState load(Path directory, Parameters parameters, AdamW optimizer)
      throws IOException {
    Path file = directory.resolve(STATE);
    TrainerState state;
    try {
      state = JsonMapper.shared().readValue(Files.readString(file), TrainerState.class);
    } catch (JacksonException e) {
      throw new InvalidInputException(
          file + ": this is not a trainer's state; resume from another checkpoint", e);
    }
    if (state.version() != TrainerState.VERSION) {
      throw new InvalidInputException(
          file
              + ": version is "
              + state.version()
              + " but this Graft reads "
              + TrainerState.VERSION
              + "; resume with the Graft that wrote it");
    }
    boolean wide = parameters.precision().stream() == ScalarType.Double;
    DType dtype = wide ? DType.F64 : DType.F32;
    try (PointerScope _ = new PointerScope();
        Checkpoint checkpoint = Checkpoint.open(directory);
        Safetensors moments = Safetensors.open(directory.resolve(OPTIMIZER))) {
      Tensor flat = parameters.flatWeights().cpu();
      Tensor first = optimizer.firstMoment().cpu();
      Tensor second = optimizer.secondMoment().cpu();
      for (Parameters.Stored stored : parameters.stored()) {
        restore(checkpoint.tensor(stored.name()).data(), part(flat, stored, dtype), stored);
        if (stored.trainable()) {
          restore(
              moments.tensor(stored.name() + ".exp_avg").data(),
              part(first, stored, dtype),
              stored);
          restore(
              moments.tensor(stored.name() + ".exp_avg_sq").data(),
              part(second, stored, dtype),
              stored);
        }
      }
      if (parameters.flatWeights().is_cuda()) {
        parameters.flatWeights().copy_(flat);
        optimizer.firstMoment().copy_(first);
        optimizer.secondMoment().copy_(second);
      }
    }
    return state;
  }

  private static void restore(MemorySegment from, MemorySegment to, Parameters.Stored stored) {
    if (from.byteSize() != to.byteSize()) {
      throw new InvalidInputException(
          "checkpoint: "
              + stored.name()
              + " has another size or dtype than the recipe's; resume with the recipe it was trained with");
    }
    to.copyFrom(from);
  }

  private static MemorySegment part(Tensor flat, Parameters.Stored stored, DType dtype) {
    return Libtorch.memory(flat)
        .asSlice(stored.offset() * dtype.bytes(), stored.elements() * dtype.bytes());
  }
}
