package dev.graft.loop;

import dev.graft.checkpoint.Checkpoint;
import dev.graft.checkpoint.CheckpointWriter;
import dev.graft.checkpoint.DType;
import dev.graft.checkpoint.InvalidInputException;
import dev.graft.checkpoint.Safetensors;
import dev.graft.checkpoint.SafetensorsParts;
import dev.graft.network.Libtorch;
import dev.graft.network.Parameters;
import dev.graft.parallel.Team;
import dev.graft.text.TokenizerFiles;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
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
   * Writes one, each rank its part; it takes its name when all are done.
   *
   * @param start the model's config, and where the tokenizer is copied from
   * @param whole all tensors of the model
   */
  static void save(
      Path directory,
      Parameters parameters,
      AdamW optimizer,
      Replicas replicas,
      TrainerState state,
      StartingPoint start,
      List<Parameters.Stored> whole,
      Team team)
      throws IOException {
    boolean wide = parameters.precision().stream() == ScalarType.Double;
    DType dtype = wide ? DType.F64 : DType.F32;
    if (!team.leads()) {
      long process = team.world().broadcastLong(0, 0);
      Path work = CheckpointWriter.workDirectory(directory, process);
      writeParts(work, parameters, optimizer, replicas);
      team.world().barrier();
      return;
    }
    List<CheckpointWriter.Declared> weights = new ArrayList<>();
    List<CheckpointWriter.Declared> moments = new ArrayList<>();
    for (Parameters.Stored stored : whole) {
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
    try (CheckpointWriter writer = CheckpointWriter.create(directory, weights, MAX_SHARD_BYTES)) {
      Path work = writer.workDirectory();
      Safetensors.create(work.resolve(OPTIMIZER), moments).close();
      team.world().broadcastLong(ProcessHandle.current().pid(), 0);
      writeParts(work, parameters, optimizer, replicas);
      team.world().barrier();
      writer.writeFile(STATE, JsonMapper.shared().writeValueAsBytes(state));
      if (start.companions().isPresent()) {
        TokenizerFiles.copy(start.companions().get(), writer);
      }
      ObjectNode typed = start.config().deepCopy();
      typed.remove("quantization_config");
      typed.remove("dtype");
      typed.put("torch_dtype", wide ? "float64" : "float32");
      writer.commit(typed);
    }
  }

  private static void writeParts(
      Path work, Parameters parameters, AdamW optimizer, Replicas replicas) throws IOException {
    List<Path> files;
    try (var entries = Files.list(work)) {
      files = entries.filter(p -> p.toString().endsWith(".safetensors")).toList();
    }
    try (PointerScope _ = new PointerScope();
        SafetensorsParts out = SafetensorsParts.open(files)) {
      // The tensors themselves where they are on the CPU already.
      Tensor flat = parameters.flatWeights().cpu();
      Tensor first = optimizer.firstMoment().cpu();
      Tensor second = optimizer.secondMoment().cpu();
      for (Parameters.Stored stored : parameters.stored()) {
        if (replicas.copied(stored.name())) {
          continue;
        }
        if (!stored.trainable()) {
          if (replicas.first(stored)) {
            write(out, stored.name(), stored, stored.ownOffset(), stored.ownElements(), flat, 0);
          }
          continue;
        }
        for (Parameters.Stretch share : replicas.shares()) {
          for (AdamW.Held held : optimizer.held()) {
            Overlap o = Overlap.own(stored, share, held);
            if (o.elements() > 0) {
              String name = stored.name();
              write(out, name, stored, o.from(), o.elements(), flat, 0);
              long shift = o.moment() - o.from();
              write(out, name + ".exp_avg", stored, o.from(), o.elements(), first, shift);
              write(out, name + ".exp_avg_sq", stored, o.from(), o.elements(), second, shift);
            }
          }
        }
      }
    }
  }

  /**
   * Writes elements of a tensor.
   *
   * @param from first of them in the flat weights
   * @param values a flat tensor
   * @param shift where the elements stand in it, after where they stand in the flat weights
   */
  private static void write(
      SafetensorsParts out,
      String name,
      Parameters.Stored stored,
      long from,
      long elements,
      Tensor values,
      long shift)
      throws IOException {
    DType dtype = values.scalar_type().intern() == ScalarType.Double ? DType.F64 : DType.F32;
    for (Parameters.Stored.Run run : stored.runs(from, elements)) {
      MemorySegment part = part(values, run.flat() + shift, run.elements(), dtype);
      out.write(name, run.whole() * dtype.bytes(), part);
    }
  }

  /**
   * What a stored tensor, this rank's share and the moments held here have in common.
   *
   * @param from first element in the flat weights
   * @param elements how many; 0 or less for none
   * @param moment first element in the flat moments
   */
  private record Overlap(long from, long elements, long moment) {
    /** Of what this rank saves. */
    static Overlap own(Parameters.Stored stored, Parameters.Stretch share, AdamW.Held held) {
      return of(stored.ownOffset(), stored.ownElements(), share, held);
    }

    /** Of all that is held. */
    static Overlap all(Parameters.Stored stored, AdamW.Held held) {
      return of(stored.offset(), stored.elements(), held.weights(), held);
    }

    private static Overlap of(
        long offset, long elements, Parameters.Stretch share, AdamW.Held held) {
      Parameters.Stretch own = held.weights();
      long from = Math.max(offset, Math.max(share.offset(), own.offset()));
      long to =
          Math.min(
              offset + elements,
              Math.min(share.offset() + share.elements(), own.offset() + own.elements()));
      return new Overlap(from, to - from, held.at() + from - own.offset());
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
        MemorySegment weights = checkpoint.tensor(stored.name()).data();
        requireSize(weights, stored, dtype);
        read(weights, stored, stored.offset(), stored.elements(), flat, 0);
        if (stored.trainable()) {
          MemorySegment one = moments.tensor(stored.name() + ".exp_avg").data();
          MemorySegment two = moments.tensor(stored.name() + ".exp_avg_sq").data();
          requireSize(one, stored, dtype);
          requireSize(two, stored, dtype);
          for (AdamW.Held held : optimizer.held()) {
            Overlap o = Overlap.all(stored, held);
            if (o.elements() > 0) {
              read(one, stored, o.from(), o.elements(), first, o.moment() - o.from());
              read(two, stored, o.from(), o.elements(), second, o.moment() - o.from());
            }
          }
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

  /** Reads elements of a whole tensor to where they stand, as {@link #write} takes them. */
  private static void read(
      MemorySegment whole,
      Parameters.Stored stored,
      long from,
      long elements,
      Tensor values,
      long shift) {
    DType dtype = values.scalar_type().intern() == ScalarType.Double ? DType.F64 : DType.F32;
    for (Parameters.Stored.Run run : stored.runs(from, elements)) {
      MemorySegment to = part(values, run.flat() + shift, run.elements(), dtype);
      to.copyFrom(whole.asSlice(run.whole() * dtype.bytes(), to.byteSize()));
    }
  }

  private static void requireSize(MemorySegment data, Parameters.Stored stored, DType dtype) {
    if (data.byteSize() != stored.wholeElements() * dtype.bytes()) {
      throw new InvalidInputException(
          "checkpoint: "
              + stored.name()
              + " has another size or dtype than the recipe's; resume with the recipe it was trained with");
    }
  }

  private static MemorySegment part(Tensor flat, long from, long elements, DType dtype) {
    return Libtorch.memory(flat).asSlice(from * dtype.bytes(), elements * dtype.bytes());
  }
}
