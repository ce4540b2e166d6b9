package dev.graft.cli;

import dev.graft.checkpoint.Checkpoint;
import dev.graft.checkpoint.InvalidInputException;
import dev.graft.text.ChatTemplate;
import dev.graft.text.DocumentReader;
import dev.graft.text.DocumentTokenizer;
import dev.graft.text.TokenizeRun;
import dev.graft.text.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.OptionalLong;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code graft tokenize}: text to Megatron's indexed dataset. */
@Command(
    name = "tokenize",
    mixinStandardHelpOptions = true,
    description = {
      "Writes the tokens of text files as Megatron's indexed dataset, PREFIX.bin and PREFIX.idx.",
      "A text gets what the tokenizer itself puts around one, such as a Llama's beginning-of-sequence token.",
      "Of .jsonl lines the text field is taken, or, where there are any, messages through the chat template with only the assistant's tokens to learn (PREFIX.loss_mask.bin and .idx)."
    })
final class TokenizeCommand implements Callable<Integer> {
  @Parameters(
      arity = "1..*",
      paramLabel = "FILES",
      description = ".txt or .jsonl, plain, .gz or .zst.")
  private List<Path> files;

  @Option(
      names = "--tokenizer",
      required = true,
      paramLabel = "DIR",
      description = "A Hugging Face directory.")
  private Path directory;

  @Option(names = "--out", required = true, paramLabel = "PREFIX", description = "Where to write.")
  private Path out;

  @Option(
      names = "--split",
      defaultValue = "blank-line",
      paramLabel = "HOW",
      description =
          "What separates documents of a .txt: blank-line or file. Default: ${DEFAULT-VALUE}.")
  private String split;

  @Option(
      names = "--text-key",
      defaultValue = "text",
      paramLabel = "KEY",
      description = "Field of a .jsonl line. Default: ${DEFAULT-VALUE}.")
  private String textKey;

  @Option(
      names = "--append-eos",
      negatable = true,
      defaultValue = "true",
      fallbackValue = "true",
      description =
          "End each text with the end-of-sequence token; a conversation ends as its template says. Default: on.")
  private boolean appendEos;

  @Option(
      names = "--workers",
      defaultValue = "0",
      paramLabel = "N",
      description = "Threads; 0 for all cores. The result is the same for any number.")
  private int workers;

  @Override
  public Integer call() throws IOException {
    DocumentReader.Split separator =
        switch (split) {
          case "blank-line" -> DocumentReader.Split.BLANK_LINE;
          case "file" -> DocumentReader.Split.FILE;
          default ->
              throw new InvalidInputException(
                  "--split is '" + split + "'; it is blank-line or file");
        };
    long bytes = 0;
    for (Path file : files) {
      if (!Files.isRegularFile(file)) {
        throw new InvalidInputException(file + ": there is no such file");
      }
      bytes += Files.size(file);
    }
    if (workers < 0) {
      throw new InvalidInputException(
          "--workers is " + workers + "; it is 1 or more, or 0 for all");
    }
    int threads = workers == 0 ? Runtime.getRuntime().availableProcessors() : workers;
    try (Tokenizer tokenizer = Tokenizer.open(directory);
        Progress progress = Progress.bytes("tokenize", OptionalLong.of(bytes))) {
      TokenizeRun.Result result =
          TokenizeRun.run(
              new TokenizeRun.Options(files, separator, textKey, threads),
              new DocumentTokenizer(tokenizer, ChatTemplate.find(directory), appendEos),
              vocabSize(tokenizer),
              out,
              new Shown(progress));
      System.out.println(
          "wrote "
              + out
              + ".bin and .idx: "
              + result.documents()
              + " documents, "
              + result.tokens()
              + " tokens"
              + (result.learnedTokens() < result.tokens()
                  ? ", " + result.learnedTokens() + " of them to learn"
                  : ""));
    }
    return ExitCode.DONE.code();
  }

  /** Of the model beside the tokenizer if there is one: its embedding may have fewer rows. */
  private int vocabSize(Tokenizer tokenizer) throws IOException {
    if (!Files.exists(directory.resolve("config.json"))) {
      return tokenizer.vocabSize();
    }
    return Checkpoint.readConfig(directory).path("vocab_size").asInt(tokenizer.vocabSize());
  }

  /** Bytes move the bar; documents are beside it. */
  private static final class Shown implements TokenizeRun.Listener {
    private final Progress progress;
    private final long begun = System.nanoTime();
    private long documents;

    Shown(Progress progress) {
      this.progress = progress;
    }

    @Override
    public void read(long bytes) {
      progress.add(bytes);
    }

    @Override
    public void written(long more) {
      documents += more;
      double seconds = (System.nanoTime() - begun) / 1e9;
      progress.message(
          String.format(
              Locale.ROOT, "%d documents, %.0f documents/s", documents, documents / seconds));
    }
  }
}
