package dev.graft.network;

import dev.graft.checkpoint.ModelSpec;
import dev.graft.layout.Range;
import java.util.List;

/**
 * The layers that one rank of a pipeline holds, as one stretch or, interleaved, several. The
 * embedding goes with the first layer, final norm and head with the last; a tied embedding is held
 * at both ends.
 *
 * @param chunks stretches of layers, ascending
 * @param layers of the whole model
 * @param tied whether the head is the embedding
 */
public record Stage(List<Range> chunks, int layers, boolean tied) {
  public Stage {
    chunks = List.copyOf(chunks);
  }

  /** All layers. */
  public static Stage whole(ModelSpec spec) {
    return of(spec, List.of(new Range(0, spec.numHiddenLayers())));
  }

  /** Some layers of a model. */
  public static Stage of(ModelSpec spec, List<Range> chunks) {
    return new Stage(chunks, spec.numHiddenLayers(), spec.tieWordEmbeddings());
  }

  /** Whether the model starts here. */
  public boolean first() {
    return chunks.getFirst().from() == 0;
  }

  /** Whether the model ends here. */
  public boolean last() {
    return chunks.getLast().to() == layers;
  }

  /** Whether a weight, by its name in the network, is held. */
  boolean holds(String slot) {
    return switch (slot) {
      case "embed" -> first() || (tied && last());
      case "norm", "lm_head" -> last();
      default -> {
        int layer = Integer.parseInt(slot.substring(0, slot.indexOf('.')));
        yield chunks.stream().anyMatch(c -> c.from() <= layer && layer < c.to());
      }
    };
  }
}
