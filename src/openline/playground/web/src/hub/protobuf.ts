/** The client that speaks protobuf. */

import type { Centrifuge } from "centrifuge";
import { Centrifuge as Protobuf } from "centrifuge/build/protobuf";

// The same class with another codec; each build has types of its own.
export const ProtobufCentrifuge = Protobuf as unknown as typeof Centrifuge;
