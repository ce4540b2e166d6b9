package dev.graft.cli;

import dev.graft.checkpoint.InvalidInputException;
import dev.graft.export.GgufExport;
import dev.graft.export.GgufType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalLong;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code graft export}: a checkpoint as a GGUF file. */
@Command(
    name = "export",
    mixinStandardHelpOptions = true,
    description = "Writes a model as a GGUF file, which llama.cpp runs.")
final class ExportCommand implements Callable<Integer> {
  @Parameters(
      index = "0",
      paramLabel = "DIR",
      description = "A Hugging Face directory, or a GGUF file to be written in another type.")
  private Path model;

  @Parameters(index = "1", paramLabel = "OUT.gguf", description = "The file to write.")
  private Path out;

  @Option(
      names = "--type",
      required = true,
      description =
          "What the matrices are stored as: f16, or q8_0 (8 bits, blocks of 32 that share a scale). Norms and the router stay float32.")
  private String type;

  @Override
  public Integer call() throws IOException {
    GgufType stored =
        switch (type) {
          case "f16" -> GgufType.F16;
          case "q8_0" -> GgufType.Q8_0;
          default -> throw new InvalidInputException("--type is '" + type + "'; it is f16 or q8_0");
        };
    if (Files.exists(out)) {
      throw new InvalidInputException(
          out + ": a file of this name is there; remove it or choose another name");
    }
    try (Progress progress =
        Progress.bytes("export", OptionalLong.of(GgufExport.outputBytes(model, stored)))) {
      GgufExport.run(model, out, stored, progress::add);
    }
    System.out.println("wrote " + out + ": " + type + ", " + Files.size(out) + " bytes");
    return ExitCode.DONE.code();
  }
}
