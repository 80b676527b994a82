# Which class an element is of, told once more: a class that is changed is changed here as well, or it was
# not meant. Paths may be added; what is of a person has one class, wherever it stands.
package sallyport.classes_test

import data.sallyport.vocabulary

# What is right below a person.
of_persons := {
	"contact": {
		"j:PersonWorkLocationStructure", "nc:EmployeeContactInformation", "nc:PersonContactInformation",
		"nc:PersonEmergencyContactInformation", "nc:PersonHomeContactInformation", "nc:PersonResidenceAddress",
	},
	"criminal_history": {
		"j:PersonAFISIdentification", "j:PersonFBIIdentification", "j:PersonStateFingerprintIdentification",
		"nc:PersonStateIdentification",
		"j:PersonCharge", "j:PersonParoleeIndicator", "j:PersonProbationerIndicator",
		"j:PersonRegisteredOffenderIndicator",
	},
	"identifier": {
		"j:DriverLicense",
		"j:PersonNCICIdentification",
		"nc:PersonLicenseIdentification", "nc:PersonNationalIdentification", "nc:PersonPassportIdentification",
	},
	"identity": {
		"j:PersonResidentCode", "j:PersonSexCode", "nc:PersonAgeDescriptionText", "nc:PersonAgeMeasure",
		"nc:PersonBirthDate", "nc:PersonDeathDate", "nc:PersonLivingIndicator", "nc:PersonName",
		"nc:PersonPrimaryLanguage", "nc:PersonSexText", "ncic:PersonSexCode",
	},
	"immigration_status": {
		"im:ImmigrationStatus", "j:PersonDeporteeIndicator", "j:PersonForeignBornIndicator",
		"j:PersonForeignNationalIndicator", "j:PersonIllegalAlienIndicator", "nc:PersonBirthLocation",
		"nc:PersonCitizenship", "nc:PersonNationality", "nc:PersonOtherIdentification",
		"nc:PersonUSCitizenIndicator", "ncic:PersonBirthplaceCode", "scr:ScreeningImmigrationStatus",
	},
	"medical": {
		"j:PersonBloodTypeCode", "j:PersonDisabilityCategoryText", "j:PersonDrugAlcoholHistoryText",
		"j:PersonPregnantIndicator", "nc:PersonBloodTypeText", "nc:PersonInjury", "nc:PersonMedicalCondition",
		"nc:PersonMedicalDescriptionText", "nc:PersonMedicationRequiredText", "nc:PersonMentalStateText",
		"ncic:PersonBloodTypeCode",
	},
	"order": {"j:PersonProtectionOrderRespondentIndicator"},
	"photo": {"nc:PersonDigitalImage", "nc:PersonDigitizedSignatureImage", "nc:PersonXRayImage"},
	"physical": {
		"j:PersonBuildCode", "j:PersonClothing", "j:PersonEthnicityCode", "j:PersonEyeColorCode",
		"j:PersonHairColorCode", "j:PersonRaceCode", "j:PersonSkinToneCode", "nc:PersonBuildText",
		"nc:PersonDescriptionText", "nc:PersonEthnicityText", "nc:PersonEyeColorText",
		"nc:PersonGeneralAppearanceDescriptionText", "nc:PersonHairColorText", "nc:PersonHeightDescriptionText",
		"nc:PersonHeightMeasure", "nc:PersonPhysicalFeature", "nc:PersonRaceText", "nc:PersonSkinToneText",
		"nc:PersonWeightDescriptionText", "nc:PersonWeightMeasure", "ncic:PersonEthnicityCode",
		"ncic:PersonEyeColorCode", "ncic:PersonHairColorCode", "ncic:PersonRaceCode", "ncic:PersonSkinToneCode",
	},
	"safety": {"j:PersonCautionInformationText", "ncic:PersonCautionInformationCode"},
	"ssn": {"nc:PersonSSNIdentification", "nc:PersonTaxIdentification"},
}

elsewhere := {
	"contact": {
		"j:Subject/j:SubjectPlannedAlternateAddress", "nc:PersonContactInformation",
		"nc:PersonResidenceAddress", "nc:PersonResidenceAssociation",
	},
	"criminal_history": {
		"nc:Incident/j:IncidentArrestMadeIndicator",
		"j:Arrest/j:ArrestAgency", "j:Arrest/j:ArrestAgencyRecordIdentification",
		"j:Arrest/j:ArrestCategoryCode", "j:Arrest/j:ArrestCharge", "j:Arrest/j:ArrestOfficial",
		"j:Arrest/j:ArrestSequenceID", "j:Arrest/j:ArrestSubject", "j:Arrest/j:ArrestSubjectCountCode",
		"j:Arrest/j:ArrestWarrant", "j:Arrest/j:Booking", "j:Arrest/j:Charge",
		"j:Arrest/nc:ActivityCategoryText", "j:Arrest/nc:ActivityDate", "j:Arrest/nc:ActivityDescriptionText",
		"j:Arrest/nc:ActivityIdentification", "j:Arrest/nc:ActivityName", "j:Arrest/nc:ActivityStatus",
		"j:ArrestAgency", "j:ArrestCharge", "j:Booking/j:Arrest", "j:Booking/j:BookingAgency",
		"j:Booking/j:BookingAgencyRecordIdentification", "j:Booking/j:BookingArraignmentDate",
		"j:Booking/j:BookingCategoryCode", "j:Booking/j:BookingCourtCaseIdentification",
		"j:Booking/j:BookingDocumentControlIdentification", "j:Booking/j:BookingFileIdentification",
		"j:Booking/j:BookingSubject", "j:Booking/j:CaseNumberText", "j:Booking/j:FingerprintDate",
		"j:Booking/nc:ActivityCategoryText", "j:Booking/nc:ActivityDate",
		"j:Booking/nc:ActivityDescriptionText", "j:Booking/nc:ActivityIdentification",
		"j:Booking/nc:ActivityName", "j:Booking/nc:ActivityStatus", "j:Charge/j:ChargeApplicabilityText",
		"j:Charge/j:ChargeCategoryDescriptionText", "j:Charge/j:ChargeCountQuantity",
		"j:Charge/j:ChargeDegreeText", "j:Charge/j:ChargeDescriptionText", "j:Charge/j:ChargeDisposition",
		"j:Charge/j:ChargeFelonyIndicator", "j:Charge/j:ChargeFilingDate", "j:Charge/j:ChargeIdentification",
		"j:Charge/j:ChargeQualifierText", "j:Charge/j:ChargeSequenceID", "j:Charge/j:ChargeSeverityLevel",
		"j:Charge/j:ChargeSeverityText", "j:Charge/j:ChargeStatute", "j:Charge/j:ChargeSubject",
		"j:Charge/j:ChargeText", "j:Charge/j:ChargeUCRCode", "j:Charge/ncic:ChargeCode",
		"j:Detention/j:CaseNumberText", "j:Detention/j:SupervisionAgencyRecordIdentification",
		"j:Detention/j:SupervisionAssignedTerm", "j:Detention/nc:ActivityCategoryText",
		"j:Detention/nc:ActivityDate", "j:Detention/nc:ActivityDescriptionText",
		"j:Detention/nc:ActivityIdentification", "j:Detention/nc:ActivityName", "j:Detention/nc:ActivityStatus",
		"j:Detention/nc:SupervisionCurrentIndicator", "j:Detention/nc:SupervisionCustodyStatus",
		"j:Detention/nc:SupervisionPerson", "j:Detention/nc:SupervisionPersonStatus",
		"j:IncidentArrest/nc:ActivityCategoryText", "j:IncidentArrest/nc:ActivityDate",
		"j:IncidentArrest/nc:ActivityIdentification", "j:IncidentArrest/nc:ActivityName", "j:PersonCharge",
		"j:Subject/j:SubjectCriminalHistoryDescriptionText", "j:Subject/j:SubjectDisciplinaryAction",
		"j:Subject/j:SubjectDisciplinaryReport", "j:Subject/j:SubjectIncarcerationIndicator",
		"j:Subject/j:SubjectSupervisedRelease", "j:Subject/j:SubjectSupervisedReleaseIndicator",
		"j:Subject/j:SubjectSupervision", "nc:Case/j:CaseAmendedCharge", "nc:Case/j:CaseCharge",
		"nc:Case/j:CaseDefendantParty", "nc:Incident/j:IncidentArrest",
	},
	"crossing": {
		"scr:PersonCrossingEncounter/nc:ActivityCategoryText", "scr:PersonCrossingEncounter/nc:ActivityDate",
		"scr:PersonCrossingEncounter/nc:ActivityDescriptionText",
		"scr:PersonCrossingEncounter/nc:ActivityIdentification", "scr:PersonCrossingEncounter/nc:ActivityName",
		"scr:PersonCrossingEncounter/scr:CrossingAgencyCodeText",
		"scr:PersonCrossingEncounter/scr:ScreeningArrival",
		"scr:PersonCrossingEncounter/scr:ScreeningDeparture", "scr:PersonCrossingEncounter/scr:TravelModeText",
	},
	"handling": {
		"cui:PortionMarkingMetadata", "j:Booking/j:BookingSealedIndicator",
		"nc:Incident/j:IncidentDisseminationLevelCode", "nc:Metadata",
	},
	"identifier": {"j:DriverLicense", "scr:TravelDocument"},
	"identity": {"nc:Vehicle/nc:ItemOwner", "nc:Vehicle/nc:ItemPossessor"},
	"immigration_status": {
		"im:Alien", "im:AlienEncounter", "j:Warrant/scr:WarrantCategoryCode",
		"j:Warrant/scr:WarrantDeportDemandDate", "j:Warrant/scr:WarrantDeportServeDate",
		"j:Warrant/scr:WarrantDeportSurrenderDate", "j:Warrant/scr:WarrantIdentification", "scr:AlienDetention",
		"scr:PersonCrossingEncounter/scr:ClassOfAdmissionClassificationCode",
		"scr:PersonCrossingEncounter/scr:PersonCrossingClassification",
		"scr:PersonCrossingEncounter/scr:PersonCrossingLegalIndicator",
		"scr:PersonCrossingEncounter/scr:PrimaryDispositionText",
		"scr:PersonCrossingEncounter/scr:ReasonExcludedAdmissionCodeText",
	},
	"incident": {
		"j:EnforcementOfficial", "j:Firearm", "j:IncidentEvidence", "j:ItemSeizure",
		"j:MissingPerson/j:MissingPersonCircumstanceText", "j:MissingPerson/j:MissingPersonDeclarationDate",
		"j:MissingPerson/j:MissingPersonDisappearanceCategoryText",
		"j:MissingPerson/j:MissingPersonIdentification", "j:MissingPerson/j:MissingPersonLastSeenDate",
		"j:MissingPerson/ncic:MissingPersonCircumstanceCode",
		"j:MissingPerson/ncic:MissingPersonDisappearanceCategoryCode",
		"j:Offense/j:CriminalActivityCategoryCode", "j:Offense/j:OffenseAttemptedIndicator",
		"j:Offense/j:OffenseCargoTheftIndicator", "j:Offense/j:OffenseCategoryText",
		"j:Offense/j:OffenseDomesticViolenceIndicator", "j:Offense/j:OffenseEntryPoint",
		"j:Offense/j:OffenseFactor", "j:Offense/j:OffenseFactorBiasMotivationCauseCode",
		"j:Offense/j:OffenseForce", "j:Offense/j:OffenseGangInvolvementCategoryCode",
		"j:Offense/j:OffenseLevelText", "j:Offense/j:OffenseNDExCode", "j:Offense/j:OffenseName",
		"j:Offense/j:OffenseQualifierText", "j:Offense/j:OffenseStructuresEnteredQuantity",
		"j:Offense/j:OffenseUCRCode", "j:Offense/j:OffenseViolatedStatute", "j:Offense/nc:ActivityCategoryText",
		"j:Offense/nc:ActivityDate", "j:Offense/nc:ActivityIdentification", "j:Offense/nc:ActivityName",
		"j:Offense/ncic:OffenseCode", "j:OffenseIncidentAssociation", "j:OffenseLocationAssociation",
		"j:Subject", "nc:ActivityPersonAssociation", "nc:Case", "nc:Drug",
		"nc:Incident/j:IncidentCategoryCode",
		"nc:Incident/j:IncidentCategoryUCRCode", "nc:Incident/j:IncidentDamagedItem",
		"nc:Incident/j:IncidentDrug", "nc:Incident/j:IncidentEvidence",
		"nc:Incident/j:IncidentExceptionalClearanceCode", "nc:Incident/j:IncidentExceptionalClearanceDate",
		"nc:Incident/j:IncidentFactor", "nc:Incident/j:IncidentForce", "nc:Incident/j:IncidentInvolvedItem",
		"nc:Incident/j:IncidentLogIdentification", "nc:Incident/j:IncidentMethodDescriptionText",
		"nc:Incident/j:IncidentRecoveredItem", "nc:Incident/j:IncidentRecoveredVehicleQuantity",
		"nc:Incident/j:IncidentSeizedItem", "nc:Incident/j:IncidentSourceText",
		"nc:Incident/j:IncidentStolenItem", "nc:Incident/j:IncidentStolenVehicleQuantity",
		"nc:Incident/j:IncidentSubject", "nc:Incident/j:IncidentSubjectWeapon",
		"nc:Incident/nc:ActivityCategoryText", "nc:Incident/nc:ActivityDate",
		"nc:Incident/nc:ActivityIdentification", "nc:Incident/nc:ActivityName",
		"nc:Incident/nc:ActivityReportedDate", "nc:Incident/nc:ActivityStatus",
		"nc:Incident/nc:IncidentDayPeriodText", "nc:Incident/nc:IncidentJurisdictionalOrganization", "nc:Item",
		"nc:Organization", "nc:PersonAssociation", "nc:RelatedActivityAssociation", "nc:Substance",
	},
	"intelligence": {
		"j:Subject/j:SubjectConfidentialInformation", "nc:Metadata/j:IntelligenceInformationIndicator",
		"nc:Metadata/nc:DescriptionText", "nc:Metadata/nc:ReportingPerson",
		"nc:Metadata/nc:SourceContactPerson",
	},
	"juvenile": {
		"j:Offense/j:JuvenileOffenderIndicator", "nc:Incident/j:IncidentMinorInvolvedIndicator",
		"scr:PersonCrossingEncounter/nc:PersonJuvenileClaimedIndicator",
		"scr:PersonCrossingEncounter/nc:PersonJuvenileVerifiedIndicator",
	},
	"location": {
		"j:Arrest/nc:ActivityLocation", "j:Booking/j:BookingDetentionFacility", "j:Booking/j:BookingFacility",
		"j:Booking/nc:ActivityLocation", "j:Detention/j:SupervisionAreaIdentification",
		"j:Detention/j:SupervisionBedIdentification", "j:Detention/j:SupervisionCellIdentification",
		"j:Detention/nc:ActivityLocation", "j:Detention/nc:SupervisionFacility",
		"j:MissingPerson/j:MissingPersonFoundLocation", "j:MissingPerson/j:MissingPersonLastSeenLocation",
		"j:Offense/nc:ActivityLocation", "nc:Incident/j:IncidentFacility",
		"nc:Incident/j:IncidentSurroundingLocation", "nc:Incident/nc:ActivityLocation", "nc:Location",
		"scr:PersonCrossingEncounter/nc:ActivityLocation",
	},
	"medical": {
		"j:Subject/j:InvoluntaryMedicationAction", "j:Subject/j:SubjectAlcoholHistoryIndicator",
		"j:Subject/j:SubjectAssessment", "j:Subject/j:SubjectChemicalDependencyIndicator",
		"j:Subject/j:SubjectDrugHistoryIndicator", "j:Subject/j:SubjectGamblingHistoryIndicator",
		"j:Subject/j:SubjectSecondaryAssessment",
	},
	"order": {
		"j:ProtectionOrder/j:CaseNumberText", "j:ProtectionOrder/j:CourtOrderCondition",
		"j:ProtectionOrder/j:CourtOrderEnforcementAgency", "j:ProtectionOrder/j:CourtOrderIssuingCourt",
		"j:ProtectionOrder/j:CourtOrderIssuingDate", "j:ProtectionOrder/j:CourtOrderIssuingJudicialOfficial",
		"j:ProtectionOrder/j:CourtOrderJurisdiction", "j:ProtectionOrder/j:CourtOrderRecallDate",
		"j:ProtectionOrder/j:CourtOrderRecallReasonText", "j:ProtectionOrder/j:CourtOrderRequestDate",
		"j:ProtectionOrder/j:CourtOrderServiceDate", "j:ProtectionOrder/j:CourtOrderServiceDescriptionText",
		"j:ProtectionOrder/j:CourtOrderSpecialInstructionText",
		"j:ProtectionOrder/j:ProtectionOrderBradyIndicator", "j:ProtectionOrder/j:ProtectionOrderConditionText",
		"j:ProtectionOrder/nc:ActivityCategoryText",
		"j:ProtectionOrder/nc:ActivityDate", "j:ProtectionOrder/nc:ActivityDescriptionText",
		"j:ProtectionOrder/nc:ActivityIdentification", "j:ProtectionOrder/nc:ActivityName",
		"j:ProtectionOrder/nc:CaseDocketID", "j:ProtectionOrder/ncic:ProtectionOrderConditionCode",
		"j:ProtectionOrderRespondentPersonAssociation",
		"j:Warrant/j:CaseNumberText", "j:Warrant/j:Charge", "j:Warrant/j:CourtOrderDesignatedSubject",
		"j:Warrant/j:CourtOrderEnforcementAgency", "j:Warrant/j:CourtOrderIssuingCourt",
		"j:Warrant/j:CourtOrderIssuingDate", "j:Warrant/j:CourtOrderIssuingJudicialOfficial",
		"j:Warrant/j:CourtOrderJurisdiction", "j:Warrant/j:CourtOrderRecallDate",
		"j:Warrant/j:CourtOrderRecallReasonText", "j:Warrant/j:CourtOrderRequestEntity",
		"j:Warrant/j:CourtOrderServiceDate", "j:Warrant/j:WarrantAppearanceBail",
		"j:Warrant/j:WarrantCategoryCode", "j:Warrant/j:WarrantCategoryText",
		"j:Warrant/j:WarrantExtraditionLimitationText", "j:Warrant/j:WarrantLevelText",
		"j:Warrant/nc:ActivityCategoryText", "j:Warrant/nc:ActivityDate",
		"j:Warrant/nc:ActivityDescriptionText", "j:Warrant/nc:ActivityIdentification",
		"j:Warrant/nc:ActivityName", "j:Warrant/nc:CaseDocketID",
		"j:Warrant/ncic:WarrantExtraditionLimitationCode",
	},
	"order_status": {
		"j:MissingPerson/j:MissingPersonFoundDate", "j:MissingPerson/j:MissingPersonFoundIndicator",
		"j:MissingPerson/j:MissingPersonStatus", "j:ProtectionOrder/j:CourtOrderStatus",
		"j:ProtectionOrder/nc:ActivityStatus", "j:Warrant/j:CourtOrderStatus", "j:Warrant/nc:ActivityStatus",
		"nc:Vehicle/j:VehicleWantedIndicator", "nc:Vehicle/nc:ItemStatus",
	},
	"photo": {"nc:Binary", "nc:Image", "scr:TravelDocument/nc:DocumentBinary"},
	"physical": {"nc:PersonPhysicalFeature"},
	"release_date": {
		"j:Arrest/j:ArrestRelease", "j:Arrest/j:Booking/j:BookingRelease", "j:Booking/j:BookingRelease",
		"j:Detention/j:SupervisionReleaseDate", "j:Detention/j:SupervisionReleaseEligibilityDate",
		"j:Detention/nc:SupervisionRelease", "j:Subject/j:SubjectReleaseNotification", "nc:Release",
	},
	"safety": {
		"j:Booking/j:SubjectArmedDescriptionText", "j:Booking/j:SubjectArmedWithCode",
		"j:Detention/j:SupervisionCautionText", "j:ProtectionOrder/j:CourtOrderServiceCautionText",
		"j:Subject/j:SubjectCautionInformationText", "j:Subject/ncic:SubjectCautionInformationCode",
		"j:Warrant/j:CourtOrderServiceCautionText", "nc:Metadata/nc:Comment",
		"scr:PersonCrossingEncounter/nc:PersonArmedIndicator",
		"scr:PersonCrossingEncounter/nc:PersonAssaultedOfficerIndicator",
	},
	"vehicle": {
		"j:ConveyanceRegistration/j:ConveyanceRegistrationPlateCategoryText",
		"j:ConveyanceRegistration/j:ConveyanceRegistrationPlateIdentification",
		"j:ConveyanceRegistration/j:RegistrationEffectiveDate",
		"j:ConveyanceRegistration/j:RegistrationExpirationDate", "j:ConveyanceRegistration/j:RegistrationItem",
		"j:ConveyanceRegistration/j:RegistrationJurisdiction", "j:ConveyanceRegistrationAssociation",
		"nc:ActivityConveyanceAssociation", "nc:PersonConveyanceAssociation",
		"nc:Vehicle/j:ItemCategoryNDExCode", "nc:Vehicle/j:ItemCategoryNIBRSPropertyCategoryCode",
		"nc:Vehicle/j:ItemRecoveredValue", "nc:Vehicle/nc:ConveyanceColorPrimaryText",
		"nc:Vehicle/nc:ItemCategoryText", "nc:Vehicle/nc:ItemColorDescriptionText",
		"nc:Vehicle/nc:ItemDescriptionText", "nc:Vehicle/nc:ItemDisposition", "nc:Vehicle/nc:ItemMakeName",
		"nc:Vehicle/nc:ItemModelName", "nc:Vehicle/nc:ItemModelYearDate",
		"nc:Vehicle/nc:ItemOtherIdentification", "nc:Vehicle/nc:ItemQuantity",
		"nc:Vehicle/nc:ItemSerialIdentification", "nc:Vehicle/nc:ItemStateIdentification",
		"nc:Vehicle/nc:ItemStyleText", "nc:Vehicle/nc:ItemUsageText", "nc:Vehicle/nc:ItemValue",
		"nc:Vehicle/nc:ItemVisibleID", "nc:Vehicle/nc:VehicleDoorQuantity",
		"nc:Vehicle/nc:VehicleIdentification", "nc:Vehicle/nc:VehicleUseText",
		"nc:Vehicle/ncic:ConveyanceColorPrimaryCode", "nc:Vehicle/ncic:ConveyanceColorSecondaryCode",
		"nc:Vehicle/ncic:VehicleMakeCode", "nc:Vehicle/ncic:VehicleModelCode",
		"nc:Vehicle/ncic:VehicleStyleCode", "nc:Vehicle/scr:ConveyanceCategoryCode",
	},
	"victim": {
		"j:OffenseVictimAssociation", "j:ProtectionOrder/j:CourtOrderDesignatedLocation",
		"j:ProtectionOrder/j:CourtOrderRequestEntity", "j:ProtectionOrder/j:ProtectionOrderRestrictedPerson",
		"j:ProtectionOrderPetitionerPersonAssociation", "j:ProtectionOrderProtectedPersonAssociation",
		"j:Victim", "j:Witness", "nc:Case/j:CaseInitiatingParty",
		"nc:Case/j:CaseJuror", "nc:Case/j:CaseVictimNotProsecutingIndicator", "nc:Case/j:CaseWitness",
		"nc:Incident/j:IncidentVictim", "nc:Incident/j:IncidentWitness",
	},
}

test_what_is_of_a_person_has_its_class if {
	every element_class, keys in of_persons {
		every key in keys {
			vocabulary.elements[concat("/", ["nc:Person", key])] == element_class
		}
	}
}

test_every_key_of_a_person_is_told_here if {
	told := {key | some keys in of_persons; some key in keys}
	every path, _ in vocabulary.elements {
		not new_of_person(path, told)
	}
}

new_of_person(path, told) if {
	startswith(path, "nc:Person/")
	not split(path, "/")[1] in told
}

test_the_same_property_has_the_same_class_everywhere if {
	every element_class, keys in of_persons {
		every path, other in vocabulary.elements {
			not differs(path, other, keys, element_class)
		}
	}
}

differs(path, other, keys, element_class) if {
	steps := split(path, "/")
	steps[count(steps) - 1] in keys
	other != element_class
}

test_every_other_element_has_its_class if {
	every element_class, paths in elsewhere {
		every path in paths {
			vocabulary.elements[path] == element_class
		}
	}
}

# California Gov. Code 7284.6(a)(1)(C), for one, lets no date of release go. (Supervised release is a
# sentence.)
test_whatever_is_named_after_a_release_is_of_its_class if {
	releases := {path |
		some path, _ in vocabulary.elements
		steps := split(path, "/")
		contains(steps[count(steps) - 1], "Release")
		not contains(steps[count(steps) - 1], "SupervisedRelease")
	}
	count(releases) > 6
	every path in releases {
		vocabulary.elements[path] == "release_date"
	}
}

test_whose_classes_hold_wherever_they_stand if {
	every kind, path in named_types {
		vocabulary.wherever.types[kind] == path
	}
	every path in ["nc:Person", "j:Subject"] {
		path in vocabulary.wherever.keys_of
	}
	every path in named_keys {
		path in vocabulary.wherever.keys
	}
	{kind | some kind in vocabulary.wherever.offices} == {"j:EnforcementOfficialType", "j:JudicialOfficialType"}
}

named_types := {
	"im:AlienEncounterType": "im:AlienEncounter",
	"im:AlienType": "im:Alien",
	"j:ArrestType": "j:Arrest",
	"j:BookingType": "j:Booking",
	"j:DriverLicenseType": "j:DriverLicense",
	"j:MissingPersonType": "j:MissingPerson",
	"j:ProtectionOrderType": "j:ProtectionOrder",
	"j:VictimType": "j:Victim",
	"j:WarrantType": "j:Warrant",
	"j:WitnessType": "j:Witness",
	"nc:BinaryType": "nc:Binary",
	"nc:ContactInformationType": "nc:PersonContactInformation",
	"nc:IncidentType": "nc:Incident",
	"nc:MetadataType": "nc:Metadata",
	"nc:PersonType": "nc:Person",
	"nc:ReleaseType": "nc:Release",
	"scr:AlienDetentionType": "scr:AlienDetention",
	"scr:PersonCrossingEncounterType": "scr:PersonCrossingEncounter",
	"scr:TravelDocumentType": "scr:TravelDocument",
}

named_keys := {
	"j:ArrestCharge",
	"j:Detention",
	"j:Detention/j:SupervisionReleaseDate",
	"j:Detention/j:SupervisionReleaseEligibilityDate",
	"j:Offense/j:JuvenileOffenderIndicator",
	"nc:Case/j:CaseAmendedCharge",
	"nc:Case/j:CaseCharge",
	"nc:PersonResidenceAssociation",
}
