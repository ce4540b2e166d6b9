package dev.graft.text;

import dev.graft.checkpoint.InvalidInputException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Collectors;

/**
 * Text files to one indexed dataset, in parallel and in order: the result does not depend on the
 * number of workers, and memory not on the size of the files.
 */
public final class TokenizeRun {
  private static final int CHUNK_DOCUMENTS = 64;
  private static final long CHUNK_CHARACTERS = 1 << 20;

  /**
   * What to tokenize and how.
   *
   * @param files in this order
   * @param split what separates the documents of a .txt
   * @param textKey field of a JSON line
   * @param workers threads that tokenize
   */
  public record Options(
      List<Path> files, DocumentReader.Split split, String textKey, int workers) {}

  /** What came of it. */
  public record Result(long documents, long tokens, long learnedTokens) {}

  private TokenizeRun() {}

  /** What hears how far it is; called by the thread that runs. */
  public interface Listener {
    /** Takes no notice. */
    Listener SILENT =
        new Listener() {
          @Override
          public void read(long bytes) {}

          @Override
          public void written(long documents) {}
        };

    /** So many more bytes of the files were read, before decompression. */
    void read(long bytes);

    /** So many more documents were written. */
    void written(long documents);
  }

  /**
   * Writes {@code out.bin} and {@code out.idx}, and where there are conversations {@code
   * out.loss_mask.bin} and {@code .idx}; nothing if it fails. A document without any text is left
   * out, as Megatron does.
   *
   * @param vocabSize every id must be below it
   * @throws InvalidInputException if a file is bad, named with its line, there is no text at all,
   *     or a token is not in the vocabulary
   */
  public static Result run(
      Options options, DocumentTokenizer tokenizer, int vocabSize, Path out, Listener listener)
      throws IOException {
    try (ExecutorService workers = Executors.newFixedThreadPool(options.workers());
        IndexedDatasetWriter writer = IndexedDatasetWriter.create(out, vocabSize)) {
      Sink sink = new Sink(writer, vocabSize, listener);
      Deque<Chunk> waiting = new ArrayDeque<>();
      try {
        for (Path file : options.files()) {
          try (DocumentReader reader =
              DocumentReader.open(file, options.split(), options.textKey(), listener::read)) {
            List<Document> documents = chunk(reader);
            while (!documents.isEmpty()) {
              List<Document> taken = documents;
              waiting.add(
                  new Chunk(
                      taken,
                      workers.submit(() -> taken.stream().map(tokenizer::tokenize).toList())));
              while (waiting.size() > 2 * options.workers()) {
                sink.add(waiting.remove());
              }
              documents = chunk(reader);
            }
          }
        }
        while (!waiting.isEmpty()) {
          sink.add(waiting.remove());
        }
      } catch (IOException | RuntimeException e) {
        workers.shutdownNow();
        throw e;
      }
      return sink.finish(options.files());
    }
  }

  /** Documents and the tokens they will be. */
  private record Chunk(List<Document> documents, Future<List<DocumentTokenizer.Tokens>> tokenized) {
    List<DocumentTokenizer.Tokens> tokens() throws IOException {
      try {
        return tokenized.get();
      } catch (ExecutionException e) {
        if (e.getCause() instanceof RuntimeException cause) {
          throw cause;
        }
        if (e.getCause() instanceof Error cause) {
          throw cause;
        }
        throw new IOException("tokenizing failed: " + e.getCause().getMessage(), e.getCause());
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new IOException("tokenizing was interrupted", e);
      }
    }
  }

  private static List<Document> chunk(DocumentReader reader) throws IOException {
    List<Document> chunk = new ArrayList<>();
    long characters = 0;
    while (chunk.size() < CHUNK_DOCUMENTS && characters < CHUNK_CHARACTERS) {
      Optional<Document> document = reader.next();
      if (document.isEmpty()) {
        break;
      }
      chunk.add(document.get());
      characters += document.get().body().length();
    }
    return chunk;
  }

  /** Checks and writes tokens. */
  private static final class Sink {
    private final IndexedDatasetWriter writer;
    private final int vocabSize;
    private final Listener listener;
    private long learned;

    Sink(IndexedDatasetWriter writer, int vocabSize, Listener listener) {
      this.writer = writer;
      this.vocabSize = vocabSize;
      this.listener = listener;
    }

    void add(Chunk chunk) throws IOException {
      List<DocumentTokenizer.Tokens> tokenized = chunk.tokens();
      for (int d = 0; d < tokenized.size(); d++) {
        DocumentTokenizer.Tokens document = tokenized.get(d);
        int[] ids = document.ids();
        if (ids.length == 0) {
          continue;
        }
        for (int i = 0; i < ids.length; i++) {
          if (ids[i] < 0 || ids[i] >= vocabSize) {
            throw new InvalidInputException(
                chunk.documents().get(d).source()
                    + ": the tokenizer gives token "
                    + ids[i]
                    + " but vocab_size in its config.json is "
                    + vocabSize
                    + "; take the tokenizer of the model by --tokenizer");
          }
          learned += document.learned().isEmpty() || document.learned().get()[i] ? 1 : 0;
        }
        writer.add(ids, document.learned());
      }
      listener.written(tokenized.size());
    }

    Result finish(List<Path> files) throws IOException {
      if (writer.tokens() == 0) {
        throw new InvalidInputException(
            files.stream().map(Path::toString).collect(Collectors.joining(", "))
                + ": there is no text; give files that have some");
      }
      writer.commit();
      return new Result(writer.documents(), writer.tokens(), learned);
    }
  }
}
