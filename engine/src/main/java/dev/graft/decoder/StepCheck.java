package dev.graft.decoder;

import dev.graft.cache.KeyValuePages;
import dev.graft.checkpoint.InvalidInputException;
import dev.graft.checkpoint.ModelSpec;
import java.util.List;

/** What must hold before a step touches memory. */
final class StepCheck {
  private StepCheck() {}

  /**
   * Refuses what cannot be computed.
   *
   * @throws InvalidInputException if a token id is out of range or a prompt beyond the context
   * @throws IllegalArgumentException if a page table is too short or names a page that is not there
   */
  static void require(ModelSpec spec, int pages, List<Chunk> chunks) {
    for (Chunk chunk : chunks) {
      int end = chunk.position() + chunk.ids().length;
      for (int id : chunk.ids()) {
        if (id < 0 || id >= spec.vocabSize()) {
          throw new InvalidInputException(
              "token id "
                  + id
                  + " is out of range; this model's vocabulary is 0 to "
                  + (spec.vocabSize() - 1));
        }
      }
      if (end > spec.maxPositionEmbeddings()) {
        throw new InvalidInputException(
            "the prompt reaches position "
                + end
                + ", but max_position_embeddings of this model is "
                + spec.maxPositionEmbeddings()
                + "; shorten it");
      }
      if (chunk.ids().length == 0
          || chunk.position() < 0
          || chunk.logits() < 0
          || chunk.logits() > chunk.ids().length
          || (chunk.chooses() && chunk.logits() == 0)) {
        throw new IllegalArgumentException("not a chunk: " + chunk);
      }
      if ((long) chunk.pages().length * KeyValuePages.SIZE < end) {
        throw new IllegalArgumentException(
            chunk.pages().length + " pages do not cover " + end + " tokens");
      }
      for (int i = 0; i * KeyValuePages.SIZE < end; i++) {
        if (chunk.pages()[i] < 0 || chunk.pages()[i] >= pages) {
          throw new IllegalArgumentException("there is no page " + chunk.pages()[i]);
        }
      }
    }
  }

  /** One more than the largest position. */
  static int end(List<Chunk> chunks) {
    return chunks.stream().mapToInt(c -> c.position() + c.ids().length).max().orElse(0);
  }

  /** Gives memory to the pages that will be written. */
  static void touch(KeyValuePages pages, List<Chunk> chunks) {
    for (Chunk chunk : chunks) {
      int end = chunk.position() + chunk.ids().length;
      for (int p = chunk.position() / KeyValuePages.SIZE; p * KeyValuePages.SIZE < end; p++) {
        pages.touch(chunk.pages()[p]);
      }
    }
  }
}
