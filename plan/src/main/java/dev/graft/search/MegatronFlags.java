package dev.graft.search;

import dev.graft.cost.Job;
import dev.graft.cost.Parallelism;
import dev.graft.cost.TransformerShape;
import java.util.ArrayList;
import java.util.List;

/**
 * A plan as options of Megatron-Core's training scripts.
 *
 * @param flags one option each
 * @param cannot what they do not say, a sentence each
 */
public record MegatronFlags(List<String> flags, List<String> cannot) {
  /** Keeps its own lists. */
  public MegatronFlags {
    flags = List.copyOf(flags);
    cannot = List.copyOf(cannot);
  }

  /** Writes a plan out. */
  public static MegatronFlags of(Plan plan, Job job, TransformerShape shape) {
    Parallelism mesh = plan.parallelism();
    List<String> flags = new ArrayList<>();
    List<String> cannot = new ArrayList<>();
    flags.add("--tensor-model-parallel-size " + mesh.tp());
    if (mesh.tp() > 1) {
      flags.add("--sequence-parallel");
      if (shape.heads() % mesh.tp() != 0) {
        cannot.add("Megatron gives every TP rank as many heads; this plan does not.");
      }
    }
    flags.add("--pipeline-model-parallel-size " + mesh.pp());
    if (mesh.pp() > 1) {
      flags.add("--pipeline-model-parallel-layout " + layout(plan, shape.layers()));
    }
    if (shape.experts().layers() > 0) {
      flags.add("--expert-model-parallel-size " + mesh.ep());
      flags.add("--expert-tensor-parallel-size " + mesh.etp());
    }
    flags.add("--seq-length " + job.sequence());
    flags.add("--micro-batch-size " + plan.microBatch());
    flags.add("--global-batch-size " + job.globalBatch());
    if (job.zero() > 0) {
      flags.add("--use-distributed-optimizer");
      flags.add("--overlap-grad-reduce");
      flags.add("--overlap-param-gather");
    }
    int most = plan.recomputed().stream().mapToInt(Integer::intValue).max().orElse(0);
    if (most > 0) {
      int chunks = mesh.chunks();
      flags.add("--recompute-granularity full");
      flags.add("--recompute-method block");
      flags.add("--recompute-num-layers " + (most + chunks - 1) / chunks);
      if (plan.recomputed().stream().distinct().count() > 1) {
        cannot.add(
            "Megatron recomputes as many layers on every stage, so "
                + most
                + " where this plan has "
                + plan.recomputed()
                + "; stages that need fewer lose the difference.");
      }
    }
    if (job.capacity() > 0) {
      flags.add("--moe-expert-capacity-factor " + job.capacity());
    }
    return new MegatronFlags(flags, cannot);
  }

  /** {@code Et*4|t*5|…|t*4L}: E the embedding, t a layer, L head and loss. */
  private static String layout(Plan plan, int layers) {
    Parallelism mesh = plan.parallelism();
    int[] parts =
        mesh.chunks() == 1
            ? plan.layers().stream().mapToInt(Integer::intValue).toArray()
            : Pricing.even(layers, mesh.pp() * mesh.chunks());
    List<String> words = new ArrayList<>();
    for (int part = 0; part < parts.length; part++) {
      String word = parts[part] == 0 ? "" : parts[part] == 1 ? "t" : "t*" + parts[part];
      word = part == 0 ? "E" + (word.isEmpty() ? "" : word) : word;
      words.add(part == parts.length - 1 ? (word.isEmpty() ? "L" : word + "L") : word);
    }
    return "\"" + String.join("|", words) + "\"";
  }
}
