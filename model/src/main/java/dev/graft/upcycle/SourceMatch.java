package dev.graft.upcycle;

import dev.graft.checkpoint.Checkpoint;
import dev.graft.checkpoint.InvalidInputException;
import dev.graft.checkpoint.StoredTensor;
import dev.graft.checkpoint.TensorNames;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Whether experts of one checkpoint fit the trunk of another. */
final class SourceMatch {
  private SourceMatch() {}

  static void require(Checkpoint trunk, Checkpoint source) throws IOException {
    MoeConfig.requireDense(source);
    for (String name : TensorNames.of(trunk.spec()).keySet()) {
      StoredTensor ours = trunk.tensor(name);
      StoredTensor theirs =
          source
              .find(name)
              .orElseThrow(() ->
                  new InvalidInputException(
                      source.directory()
                          + ": tensor "
                          + name
                          + " is missing, which "
                          + trunk.directory()
                          + " has; --experts-from takes models of one shape"));
      if (!ours.shape().equals(theirs.shape())) {
        throw new InvalidInputException(
            source.directory()
                + ": tensor "
                + name
                + " has the shape "
                + theirs.shape()
                + " but that of "
                + trunk.directory()
                + " has "
                + ours.shape()
                + "; --experts-from takes models of one shape");
      }
    }
    Path tokenizer = trunk.directory().resolve("tokenizer.json");
    Path other = source.directory().resolve("tokenizer.json");
    if (Files.exists(tokenizer) != Files.exists(other)
        || (Files.exists(tokenizer) && Files.mismatch(tokenizer, other) >= 0)) {
      throw new InvalidInputException(
          other + ": differs from " + tokenizer + "; --experts-from takes models of one tokenizer");
    }
  }
}
